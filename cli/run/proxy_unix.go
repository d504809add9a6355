//go:build unix

package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"aws-vault/cli/app"
	"aws-vault/cli/system"
	"aws-vault/server"
	"aws-vault/vault/peer"
)

// proxyDir is the directory that contains the sockets of proxies. Only root can write to it.
const proxyDir = "/var/run/aws-vault"

func proxySocket(uid int) string { return filepath.Join(proxyDir, fmt.Sprintf("ec2-%d.sock", uid)) }

// proxy makes the metadata service's address available to the programs of one user, until the proxy is stopped.
// This process runs as root, because it adds the address and opens the sockets. It handles no connections. A child
// process without root privileges passes the socket that is bound to the address to the user's programs.
func proxy(ctx context.Context, a *app.App, f proxyFlags) error {
	if f.handOver {
		return handOver(ctx, a)
	}
	if os.Geteuid() != 0 {
		return &privilegeError{"adding an address to the loopback interface"}
	}
	owner, err := proxyUser(a, f.user)
	if err != nil {
		return err
	}
	alias, err := server.NewAlias()
	if err != nil {
		return err
	}
	defer alias.Close()
	bound, err := alias.Bind()
	if err != nil {
		return err
	}
	defer bound.Close()
	l, err := listenProxy(owner)
	if err != nil {
		return err
	}
	defer os.Remove(l.Name())
	defer l.Close()
	a.Note("providing 169.254.169.254 to user %d; press Ctrl-C to stop", owner.Uid)
	return runUnprivileged(ctx, owner, bound, l)
}

// proxyUser returns the user that --user names. Without --user, it returns the user who ran sudo.
func proxyUser(a *app.App, name string) (*syscall.Credential, error) {
	if name == "" {
		id, _ := a.Env.Getenv("SUDO_UID")
		u, err := user.LookupId(id)
		if err != nil {
			return nil, &app.UsageError{Text: "no user given: run with sudo, or pass --user NAME"}
		}
		return credential(u)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, &app.UsageError{Text: fmt.Sprintf("--user is %.40q, expected the name of a user", name)}
	}
	return credential(u)
}

func credential(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// listenProxy creates the socket to which the user's programs connect. If a killed proxy has left a socket, listenProxy
// replaces it. No other proxy can be running, because the address of the metadata service was free.
func listenProxy(owner *syscall.Credential) (*os.File, error) {
	if err := os.Mkdir(proxyDir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if info, err := os.Lstat(proxyDir); err != nil {
		return nil, err
	} else if !info.IsDir() || app.Owner(info) != 0 || info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s: expected a directory that only root can write to", proxyDir)
	}
	path := proxySocket(int(owner.Uid))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := peer.Listen("unix", path, peer.Check{UID: int(owner.Uid)})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	l := listener.Listener.(*net.UnixListener)
	l.SetUnlinkOnClose(false)
	if err := os.Lchown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	f, err := l.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), path), nil
}

// runUnprivileged starts the child process without root privileges. It waits until the child or the context ctx
// ends.
func runUnprivileged(ctx context.Context, owner *syscall.Credential, files ...*os.File) error {
	runtime.LockOSThread() // the kernel kills the child when the thread that started it ends
	defer runtime.UnlockOSThread()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, self, "proxy", "--hand-over")
	c.Env, c.Dir, c.Stderr, c.ExtraFiles = []string{}, "/", os.Stderr, files
	c.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	system.KillWithParent(c.SysProcAttr)
	err = c.Run()
	if ctx.Err() != nil {
		return nil // the user stopped the proxy, which is not an error
	}
	return err
}

// handOver runs in the child process without root privileges. It passes the socket that is bound to
// 169.254.169.254 to programs that connect to the proxy's Unix socket.
func handOver(ctx context.Context, a *app.App) error {
	const bound, listener = 3, 4
	l, err := peer.FromFile(os.NewFile(listener, "listener"), a.Env.Peers)
	if err != nil {
		return err
	}
	at, ok := l.Listener.(*net.UnixListener)
	if !ok {
		return errors.New("the inherited listener is not a Unix socket")
	}
	at.SetUnlinkOnClose(false)
	h := &server.SocketProvider{Socket: os.NewFile(bound, "metadata")}
	return h.Serve(ctx, l)
}

var errProxyGone = errors.New("aws-vault proxy has ended, so the metadata service at 169.254.169.254 is no longer available")

// listenMetadata listens at the address of the EC2 metadata service. If this process is not root, it gets the listener
// from aws-vault proxy. The function release frees the address.
func listenMetadata(a *app.App) (l net.Listener, release func(), err error) {
	if os.Geteuid() != 0 {
		handedOver, err := server.ReceiveSocket(proxySocket(os.Getuid()), a.Env.Peers)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			err = &privilegeError{"listening at 169.254.169.254"}
		}
		if err != nil {
			return nil, nil, err
		}
		go func() {
			if handedOver.Wait() == nil {
				a.Warn(errProxyGone)
			}
		}()
		return handedOver, func() { handedOver.Close() }, nil
	}
	return listenAlias(a.Env.Peers)
}
