//go:build piv && cgo

// The functions that piv-go calls, each of which finds libpcsclite when it is first called. A program that has
// them itself starts where the library is not installed; without them it would not start at all.

#include <dlfcn.h>
#include <pthread.h>
#include <winscard.h>

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardRawPci = {SCARD_PROTOCOL_RAW, sizeof(SCARD_IO_REQUEST)};

static void *library;

static void load(void) {
	library = dlopen("libpcsclite.so.1", RTLD_NOW | RTLD_LOCAL);
}

static void *find(const char *name) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, load);
	return library ? dlsym(library, name) : NULL;
}

// Without the library there is no service either, as far as callers can tell.
#define FORWARD(name, parameters, arguments)                        \
	LONG name parameters {                                      \
		LONG(*f) parameters = find(#name);                  \
		return f ? f arguments : SCARD_E_NO_SERVICE;        \
	}

FORWARD(SCardEstablishContext, (DWORD scope, LPCVOID r1, LPCVOID r2, LPSCARDCONTEXT context), (scope, r1, r2, context))
FORWARD(SCardReleaseContext, (SCARDCONTEXT context), (context))
FORWARD(SCardListReaders, (SCARDCONTEXT context, LPCSTR groups, LPSTR readers, LPDWORD size), (context, groups, readers, size))
FORWARD(SCardConnect, (SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD wanted, LPSCARDHANDLE card, LPDWORD protocol), (context, reader, mode, wanted, card, protocol))
FORWARD(SCardDisconnect, (SCARDHANDLE card, DWORD disposition), (card, disposition))
FORWARD(SCardBeginTransaction, (SCARDHANDLE card), (card))
FORWARD(SCardEndTransaction, (SCARDHANDLE card, DWORD disposition), (card, disposition))
FORWARD(SCardTransmit, (SCARDHANDLE card, const SCARD_IO_REQUEST *to, LPCBYTE command, DWORD length, SCARD_IO_REQUEST *from, LPBYTE answer, LPDWORD size), (card, to, command, length, from, answer, size))
