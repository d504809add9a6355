# Everything here needs Go and this folder; make interop needs other programs, and installs them.

GO      ?= go
OUT     ?= dist
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION)

# Hardware keys need C and, on Linux, the headers of libpcsclite. A build without them says so when it is asked.
PIV  := $(shell test "$$($(GO) env CGO_ENABLED)" = 1 && { test "$$($(GO) env GOOS)" != linux || pkg-config --exists libpcsclite; } 2>/dev/null && echo piv)
TAGS := $(PIV)

# Packages whose rules must not go untested, the share of their statements that tests reach, and everybody else's share.
COVER_MORE  := vault/plan vault/profile vault/store
FLOOR_MORE  := 90
FLOOR_OTHER := 70

# Without the tag, what is left of a package that needs it is not measured.
UNMEASURED := $(if $(PIV),,vault/card/piv)

# The race detector needs a C compiler.
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

# Fuzz targets as package:name.
FUZZ = $(shell grep -roE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' . | sort | sed 's,/[^/]*:func ,:,')

.PHONY: all build demo picture test check fuzz interop bench soak structure clean
all: build

build:
	$(GO) build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(OUT)/ .

# A first look: a role two steps away, behind an MFA code, against an AWS that is not one.
demo: build
	@$(GO) run ./contrib/demo $(OUT)/aws-vault

# The picture in the README, drawn from a demo.
picture: build
	@mkdir -p docs
	$(GO) run ./contrib/demo $(OUT)/aws-vault docs/demo.svg >/dev/null

# All tests that need nothing but Go, in a build without hardware keys; check runs them with.
# What speaks to the keystores of macOS and Windows is built here for its tests alone; their library must find no bus.
test:
	$(GO) test ./...
	DBUS_SESSION_BUS_ADDRESS=none: $(GO) test -tags library -run 'Library|InBackground' ./vault/keystore

check: check-format check-vet check-lint check-build check-race check-fuzz

# The AWS CLI, an SDK, a browser and the system's keystores, as they are installed.
interop: build
	INTEROP_TAGS='$(TAGS)' contrib/interop/run $(OUT)/aws-vault

# What commands cost, compared with a floor program, on a machine that does nothing else. The table and the plot go into
# docs/performance.md.
bench:
	@mkdir -p $(OUT)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/aws-vault-static .
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/floor ./contrib/bench/floor
	$(GO) run ./contrib/bench -page docs/performance.md -plot docs/performance.svg $(OUT)/aws-vault-static $(OUT)/floor

# Twenty thousand commands, sixteen at once, against an AWS that fails now and then.
soak: build
	$(GO) run ./contrib/soak $(OUT)/aws-vault

# How large types, folders, files and functions are.
structure:
	@$(GO) run ./contrib/structure

.PHONY: check-format check-vet check-lint check-build check-race check-fuzz

check-format:
	@bad=$$(gofmt -l .); test -z "$$bad" || { echo "gofmt: $$bad"; exit 1; }

# Other systems are vetted without C, as their C compilers are not here.
check-vet:
	$(GO) vet -tags 'interop $(TAGS)' ./...
	CGO_ENABLED=0 GOOS=linux $(GO) vet ./...
	CGO_ENABLED=0 GOOS=darwin $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet -tags piv ./...

# Linters are built from the modules that tools/golangci-lint.mod names, apart from the program's.
LINT := $(GO) tool -modfile=tools/golangci-lint.mod golangci-lint run

check-lint:
	$(LINT) --build-tags 'interop,$(TAGS)' ./...
	$(if $(TAGS),$(LINT) ./vault/card/piv)

check-build:
	$(GO) build -o /dev/null .
	$(if $(TAGS),$(GO) build -tags '$(TAGS)' -o /dev/null .)
	CGO_ENABLED=0 $(GO) build -o /dev/null .
	CGO_ENABLED=0 GOOS=freebsd $(GO) build -o /dev/null .

# Tests run the program as processes of their own, and go test counts what those reach too.
check-race:
	$(if $(RACE),,@echo "no C compiler: tests run without -race")
	@mkdir -p $(OUT)
	$(GO) test $(RACE) -tags '$(TAGS)' -timeout 20m -shuffle=on -coverpkg=./... -coverprofile=$(OUT)/cover.out ./...
	@awk -f .ci/coverage.awk -v module=$$($(GO) list -m) -v more='$(COVER_MORE)' -v high=$(FLOOR_MORE) -v low=$(FLOOR_OTHER) -v skip='$(UNMEASURED)' $(OUT)/cover.out

# Each fuzz target for ten seconds; make fuzz gives it a minute. That the time ends while a worker is in the middle of
# something is reported as a failure by go test, but is none: it names no input.
FUZZTIME := 10s
fuzz: FUZZTIME := 60s
fuzz check-fuzz:
	@mkdir -p $(OUT); set -e; for target in $(FUZZ); do \
		echo "fuzz $$target for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$${target#*:}$$" -fuzztime $(FUZZTIME) $${target%:*} >$(OUT)/fuzz.out 2>&1 || \
			{ grep -q '^    context deadline exceeded$$' $(OUT)/fuzz.out && ! grep -q 'Failing input' $(OUT)/fuzz.out; } || { cat $(OUT)/fuzz.out; exit 1; }; \
	done

clean:
	rm -rf $(OUT)
