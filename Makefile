# Everything here needs Go and this folder; make interop needs other programs, and installs them.

GO      ?= go
OUT     ?= dist
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
LDFLAGS := -s -w -X main.version=$(VERSION)

GOOS := $(shell $(GO) env GOOS)
CGO  := $(shell $(GO) env CGO_ENABLED)

# Hardware keys need C on macOS. A build without them says so when it is asked.
PIV  := $(if $(filter linux windows,$(GOOS))$(filter 1,$(CGO)),piv)
TAGS := $(PIV)

# On Linux, piv-go runs on our own PC/SC client: a copy of it, with one file of ours in place of those that need C, and a
# go.mod with the copy in place of the module. It is a copy since -overlay replaces no file of a downloaded module, and
# since go vet and go test enter the folders of packages.
PIV_GO  := github.com/go-piv/piv-go/v2
OURS    := vault/card/piv/_piv-go/pcsc_linux.go
CARDS   := dist/cards
OVERLAY := $(if $(filter linux,$(GOOS)),-overlay=$(CARDS)/overlay.json)

# The program for Linux is static, and the same wherever it is built.
STATIC := $(if $(filter linux,$(GOOS)),CGO_ENABLED=0)

# Packages whose rules must not go untested, the share of their statements that tests reach, and everybody else's share.
COVER_MORE  := vault/plan vault/profile vault/store
FLOOR_MORE  := 90
FLOOR_OTHER := 70

# Without the tag, what is left of a package that needs it is not measured.
UNMEASURED := $(if $(PIV),,vault/card/piv)

# The race detector needs a C compiler.
RACE := $(if $(filter 1,$(CGO)),-race)

# Fuzz targets as package:name.
FUZZ = $(shell grep -roE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' --exclude-dir=dist . | sort | sed 's,/[^/]*:func ,:,')

.PHONY: all build cards demo picture test check fuzz interop bench soak structure clean
all: build

build: cards
	$(STATIC) $(GO) build $(OVERLAY) -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(OUT)/ .

# What a build with hardware keys needs before it.
cards: $(if $(OVERLAY),$(CARDS)/overlay.json)

$(CARDS)/overlay.json: go.mod $(OURS) Makefile
	@rm -rf $(CARDS) && mkdir -p $(CARDS)
	@$(GO) mod download $(PIV_GO)
	@cp -R "$$($(GO) list -m -f '{{.Dir}}' $(PIV_GO))" $(CARDS)/piv-go && chmod -R u+w $(CARDS)/piv-go
	@rm $(CARDS)/piv-go/piv/pcsc_unix.go && cp $(OURS) $(CARDS)/piv-go/piv/pcsc_linux.go
	@cp go.mod $(CARDS)/ && $(GO) mod edit -replace=$(PIV_GO)=./$(CARDS)/piv-go $(CARDS)/go.mod
	@echo '{"Replace": {"go.mod": "$(CARDS)/go.mod"}}' >$@

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
	INTEROP_TAGS='$(TAGS)' INTEROP_OVERLAY=$(OVERLAY) contrib/interop/run $(OUT)/aws-vault

# What commands cost, compared with a floor program, on a machine that does nothing else. The table and the plot go into
# docs/performance.md.
bench: cards
	@mkdir -p $(OUT)
	CGO_ENABLED=0 $(GO) build $(OVERLAY) -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o $(OUT)/aws-vault-static .
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
	@bad=$$(find . -name '*.go' -not -path './$(OUT)/*' -exec gofmt -l {} +); test -z "$$bad" || { echo "gofmt: $$bad"; exit 1; }

# Other systems are vetted without C, as their C compilers are not here.
check-vet: cards
	$(GO) vet $(OVERLAY) -tags 'interop $(TAGS)' ./... $(if $(OVERLAY),$(PIV_GO)/piv)
	CGO_ENABLED=0 GOOS=linux $(GO) vet ./...
	CGO_ENABLED=0 GOOS=darwin $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet -tags piv ./...

# Linters are built from the modules that tools/golangci-lint.mod names, apart from the program's.
LINT := GOFLAGS=$(OVERLAY) $(GO) tool -modfile=tools/golangci-lint.mod golangci-lint run

check-lint: cards
	$(LINT) --build-tags 'interop,$(TAGS)' ./...
	$(if $(TAGS),$(LINT) ./vault/card/piv)

check-build: cards
	$(GO) build -o /dev/null .
	$(if $(TAGS),$(GO) build $(OVERLAY) -tags '$(TAGS)' -o /dev/null .)
	CGO_ENABLED=0 $(GO) build -o /dev/null .
	$(if $(OVERLAY),for arch in arm64 arm 386; do CGO_ENABLED=0 GOARCH=$$arch $(GO) build $(OVERLAY) -tags '$(TAGS)' -o /dev/null . || exit 1; done)
	CGO_ENABLED=0 GOOS=freebsd $(GO) build -o /dev/null .

# Tests run the program as processes of their own, and go test counts what those reach too.
check-race: cards
	$(if $(RACE),,@echo "no C compiler: tests run without -race")
	@mkdir -p $(OUT)
	$(GO) test $(RACE) $(OVERLAY) -tags '$(TAGS)' -timeout 20m -shuffle=on -coverpkg=./... -coverprofile=$(OUT)/cover.out ./...
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
	rm -rf $(OUT) $(CARDS)
