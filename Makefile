# Everything needs only Go, except make interop, which installs other programs.

GO      ?= go
OUT     ?= dist
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# Functions aligned to 16 bytes instead of 32 make the program 160 kB smaller.
LDFLAGS := -s -w -funcalign=16 -X main.version=$(VERSION)
# Without inlining in these packages, the program is 220 kB smaller. Their code runs once per command or waits for others.
GCFLAGS := -gcflags='aws-vault/cli/...=-l' -gcflags='aws-vault/vault/card/...=-l' -gcflags='aws-vault/vault/source=-l'

GOOS := $(shell $(GO) env GOOS)
CGO  := $(shell $(GO) env CGO_ENABLED)

# Security keys need C on macOS. A build without them reports that when a command needs one.
PIV  := $(if $(filter linux windows,$(GOOS))$(filter 1,$(CGO)),piv)
TAGS := $(PIV)

# On Linux, piv-go uses our own PC/SC client. The build uses a copy of piv-go, in which one file of ours replaces the files
# that need C, and an overlaid go.mod that points to the copy. A copy is needed because -overlay cannot replace files of a
# downloaded module.
PIV_GO  := github.com/go-piv/piv-go/v2
OURS    := vault/card/piv/_piv-go/pcsc_linux.go
CARDS   := dist/cards
OVERLAY := $(if $(filter linux,$(GOOS)),-overlay=$(CARDS)/overlay.json)

# The program for Linux is static, so it does not depend on the machine that built it.
STATIC := $(if $(filter linux,$(GOOS)),CGO_ENABLED=0)

# The packages with the high floor of test coverage, and both floors, in per cent.
COVER_MORE  := vault/plan vault/profile vault/store
FLOOR_MORE  := 90
FLOOR_OTHER := 70

# Without the piv tag, most of this package is not built, so its coverage is not measured.
UNMEASURED := $(if $(PIV),,vault/card/piv)

# The race detector needs a C compiler.
RACE := $(if $(filter 1,$(CGO)),-race)

# Fuzz targets as package:name.
FUZZ = $(shell grep -roE '^func Fuzz[A-Za-z0-9_]+' --include='*_test.go' --exclude-dir=dist . | sort | sed 's,/[^/]*:func ,:,')

.PHONY: all build cards demo picture test check fuzz interop bench soak structure clean
all: build

build: cards
	$(STATIC) $(GO) build $(OVERLAY) -trimpath -tags '$(TAGS)' $(GCFLAGS) -ldflags '$(LDFLAGS)' -o $(OUT)/ .

# Prepares the copy of piv-go for builds with security keys.
cards: $(if $(OVERLAY),$(CARDS)/overlay.json)

$(CARDS)/overlay.json: go.mod $(OURS) Makefile
	@rm -rf $(CARDS) && mkdir -p $(CARDS)
	@$(GO) mod download $(PIV_GO)
	@cp -R "$$($(GO) list -m -f '{{.Dir}}' $(PIV_GO))" $(CARDS)/piv-go && chmod -R u+w $(CARDS)/piv-go
	@rm $(CARDS)/piv-go/piv/pcsc_unix.go && cp $(OURS) $(CARDS)/piv-go/piv/pcsc_linux.go
	@cp go.mod $(CARDS)/ && $(GO) mod edit -replace=$(PIV_GO)=./$(CARDS)/piv-go $(CARDS)/go.mod
	@echo '{"Replace": {"go.mod": "$(CARDS)/go.mod"}}' >$@

# Builds, then shows the main job with a fake AWS: one MFA code, and a role two steps away.
demo: build
	@$(GO) run ./contrib/demo $(OUT)/aws-vault

# Draws the picture in the README from a run of the demo.
picture: build
	@mkdir -p docs
	$(GO) run ./contrib/demo $(OUT)/aws-vault docs/demo.svg >/dev/null

# All tests that need only Go, without security keys; make check also runs them with security keys. The second line tests the code
# for the keystores of macOS and Windows, whose library must not find a session bus.
test:
	$(GO) test ./...
	DBUS_SESSION_BUS_ADDRESS=none: $(GO) test -tags library -run 'Library|InBackground' ./vault/keystore

check: check-format check-vet check-lint check-build check-race check-fuzz

# Tests with real programs: the AWS CLI, SDKs, a browser, keystores, pcscd.
interop: build
	INTEROP_TAGS='$(TAGS)' INTEROP_OVERLAY=$(OVERLAY) contrib/interop/run $(OUT)/aws-vault

# Measures how long commands take, compared with a floor program, on an idle machine. Updates the tables and the plot in
# docs/performance.md.
bench: cards
	@mkdir -p $(OUT)
	CGO_ENABLED=0 $(GO) build $(OVERLAY) -trimpath -tags '$(TAGS)' $(GCFLAGS) -ldflags '$(LDFLAGS)' -o $(OUT)/aws-vault-static .
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(OUT)/floor ./contrib/bench/floor
	$(GO) run ./contrib/bench -page docs/performance.md -plot docs/performance.svg $(OUT)/aws-vault-static $(OUT)/floor

# Runs twenty thousand commands, sixteen at a time, with a fake AWS that fails now and then.
soak: build
	$(GO) run ./contrib/soak $(OUT)/aws-vault

# Prints the sizes of types, folders, files and functions.
structure:
	@$(GO) run ./contrib/structure

.PHONY: check-format check-vet check-lint check-build check-race check-fuzz

check-format:
	@bad=$$(find . -name '*.go' -not -path './$(OUT)/*' -exec gofmt -l {} +); test -z "$$bad" || { echo "gofmt: $$bad"; exit 1; }

# Other systems are vetted without C, because their C compilers are not installed.
check-vet: cards
	$(GO) vet $(OVERLAY) -tags 'interop $(TAGS)' ./... $(if $(OVERLAY),$(PIV_GO)/piv)
	CGO_ENABLED=0 GOOS=linux $(GO) vet ./...
	CGO_ENABLED=0 GOOS=darwin $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet ./...
	CGO_ENABLED=0 GOOS=windows $(GO) vet -tags piv ./...

# The linters have their own module file, so that the program does not depend on them.
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

# Tests also start the program as separate processes, and go test counts the coverage of those too.
check-race: cards
	$(if $(RACE),,@echo "no C compiler: tests run without -race")
	@mkdir -p $(OUT)
	$(GO) test $(RACE) $(OVERLAY) -tags '$(TAGS)' -timeout 20m -shuffle=on -coverpkg=./... -coverprofile=$(OUT)/cover.out ./...
	@awk -f .ci/coverage.awk -v module=$$($(GO) list -m) -v more='$(COVER_MORE)' -v high=$(FLOOR_MORE) -v low=$(FLOOR_OTHER) -v skip='$(UNMEASURED)' $(OUT)/cover.out

# Runs each fuzz target for ten seconds; make fuzz runs it for a minute. go test reports a failure if the time ends while a worker is
# busy. That is not a failure: it names no input.
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
