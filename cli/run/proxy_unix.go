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

// proxyDir is where the sockets of proxies lie. Root alone can put one there.
const proxyDir = "/var/run/aws-vault"

func proxySocket(uid int) string { return filepath.Join(proxyDir, fmt.Sprintf("ec2-%d.sock", uid)) }

// proxy holds the address of the metadata service for one user, until it is ended. It does
// nothing else with its privileges: a process without any hands the socket over.
func proxy(ctx context.Context, a *app.App, f proxyFlags) error {
	if f.handOver {
		return handOver(ctx, a)
	}
	if os.Geteuid() != 0 {
		return &privilegeError{"an address of the loopback interface"}
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
	a.Note("169.254.169.254 is held for user %d; end this with Ctrl-C", owner.Uid)
	return runUnprivileged(ctx, owner, bound, l)
}

// proxyUser is who was named, or who ran sudo.
func proxyUser(a *app.App, name string) (*syscall.Credential, error) {
	if name == "" {
		id, _ := a.Env.Getenv("SUDO_UID")
		u, err := user.LookupId(id)
		if err != nil {
			return nil, &app.UsageError{Text: "nobody is named by --user, and sudo names nobody"}
		}
		return credential(u)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, &app.UsageError{Text: fmt.Sprintf("--user is %.40q, want the name of a user", name)}
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

// listenProxy makes the socket that the user's programs connect to, in place of one that
// a killed proxy has left. That nobody else listens is known: the address was free.
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

// runUnprivileged runs the part that needs no rights, and waits for its end or for ours.
func runUnprivileged(ctx context.Context, owner *syscall.Credential, files ...*os.File) error {
	runtime.LockOSThread() // as run does
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
		return nil // we were ended, which is how this ends
	}
	return err
}

// handOver is the process without privileges.
func handOver(ctx context.Context, a *app.App) error {
	const bound, listener = 3, 4
	l, err := peer.FromFile(os.NewFile(listener, "listener"), a.Env.Peers)
	if err != nil {
		return err
	}
	at, ok := l.Listener.(*net.UnixListener)
	if !ok {
		return errors.New("expected a listener at a path")
	}
	at.SetUnlinkOnClose(false)
	h := &server.SocketProvider{Socket: os.NewFile(bound, "metadata")}
	return h.Serve(ctx, l)
}

var errProxyGone = errors.New("aws-vault proxy has ended, and nobody answers at 169.254.169.254 any more")

// listenMetadata listens at the metadata service's own address, by its own right or by way
// of a proxy. What that takes is given back when release is called.
func listenMetadata(a *app.App) (l net.Listener, release func(), err error) {
	if os.Geteuid() != 0 {
		handedOver, err := server.ReceiveSocket(proxySocket(os.Getuid()), a.Env.Peers)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			err = &privilegeError{"to answer at 169.254.169.254"}
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
