package disk

import (
	"os"
	"strings"
	"testing"
)

// The lists of mounts of an ordinary machine, WSL 1, WSL 2 and several kinds of containers.
const (
	plainMounts = "22 27 0:21 / /proc rw - proc proc rw\n27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n28 27 254:1 / /home rw - ext4 /dev/vdb rw\n" +
		"29 27 0:40 / /mnt/share rw - 9p share rw,trans=virtio\n"
	wsl1Mounts = "2 2 0:2 / / rw,noatime - wslfs rootfs rw\n3 2 0:9 / /mnt/c rw,noatime - drvfs C:\\134 rw,uid=1000,gid=1000,case=off\n"
	wsl2Mounts = "26 1 8:32 / / rw,relatime - ext4 /dev/sdc rw,discard\n" +
		"98 26 0:54 / /mnt/c rw,noatime - 9p C:\\134 rw,dirsync,aname=drvfs;path=C:\\;uid=1000;gid=1000;symlinkroot=/mnt/,cache=5,trans=fd\n" +
		"99 26 0:55 / /mnt/d rw,noatime - virtiofs drvfsaD rw\n"
	dockerMounts = "500 400 0:60 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b\n501 500 0:61 / /proc rw - proc proc rw\n" +
		"502 500 8:1 /home/alice/.aws /root/.aws ro,relatime - ext4 /dev/sda1 rw\n503 500 8:1 /var/my\\040files /my\\040files rw - ext4 /dev/sda1 rw\n" +
		"504 500 8:2 / /volume rw - ext4 /dev/sdb rw\n505 500 0:70 / /tmp rw - tmpfs tmpfs rw\n"
	desktopMounts = "500 400 0:60 / / rw,relatime - overlay overlay rw\n502 500 0:80 /Users/alice/.aws /home/vscode/.aws rw - fakeowner /run/host_mark/Users rw\n" +
		"503 500 0:81 / /work rw - 9p grpcfuse rw,aname=/x\n"
	overlayMounts = "1 0 0:1 / / rw - overlay overlayroot rw\n2 1 8:1 / /home rw - ext4 /dev/sda1 rw\n"
)

// TestExplainsOwner checks which mounts explain that a file has another owner, or that other users can write to
// it.
func TestExplainsOwner(t *testing.T) {
	const windows, container = "on a Windows drive", "mounted into this container"
	for _, c := range []struct {
		list, path string
		narrow     string // the reason for a file that only its owner can write to
		wide       string // the reason for a file that all users can write to
	}{
		{plainMounts, "/home/bob/.aws/config", "", ""},
		{plainMounts, "/etc/aws", "", ""},
		{plainMounts, "/mnt/share/config", "", ""},
		{wsl1Mounts, "/mnt/c/Users/alice/.aws/config", windows, windows},
		{wsl1Mounts, "/home/alice/.aws/config", "", ""},
		{wsl1Mounts, "/mnt/cc/config", "", ""},
		{wsl2Mounts, "/mnt/c/Users/alice/.aws/config", windows, windows},
		{wsl2Mounts, "/mnt/d/config", windows, windows},
		{wsl2Mounts, "/home/alice/.aws/config", "", ""},
		{dockerMounts, "/root/.aws/config", container, ""},
		{dockerMounts, "/my files/config", container, ""},
		{dockerMounts, "/volume/config", "", ""},
		{dockerMounts, "/tmp/config", "", ""},
		{dockerMounts, "/home/bob/config", "", ""},
		{desktopMounts, "/home/vscode/.aws/config", container, container},
		{desktopMounts, "/work/config", container, container},
		{overlayMounts, "/home/bob/.aws/config", "", ""},
		{"", "/home/bob/.aws/config", "", ""},
	} {
		for mode, want := range map[os.FileMode]string{0o644: c.narrow, 0o777: c.wide} {
			got := explainOwner(c.list, c.path, mode)
			if want == "" && got != "" || !strings.HasPrefix(got, want) {
				t.Errorf("%s with mode %04o in\n%sgot %q, want %q", c.path, mode, c.list, got, want)
			}
		}
	}
}

// FuzzFindMount checks that every list of mounts can be read, and that the found mount contains the path.
func FuzzFindMount(f *testing.F) {
	for _, list := range []string{plainMounts, wsl1Mounts, wsl2Mounts, dockerMounts, desktopMounts, overlayMounts, "1 2 3 4 /\\04 6 - x y z\n"} {
		f.Add(list, "/home/alice/.aws/config")
	}
	f.Fuzz(func(t *testing.T, list, path string) {
		m := findMount(list, path)
		if m.point != "" && m.point != path && !strings.HasPrefix(path, strings.TrimSuffix(m.point, "/")+"/") {
			t.Errorf("%q is not below %q", path, m.point)
		}
		explainOwner(list, path, 0o644)
	})
}

// TestMountOfThisMachine checks that the kernel's list is understood: every file is on a mount.
func TestMountOfThisMachine(t *testing.T) {
	list, err := ReadText("/proc/self/mountinfo", maxMounts)
	if err != nil {
		t.Fatal(err)
	}
	for path, kind := range map[string]string{"/proc/self/mountinfo": "proc", "/": ""} {
		if m := findMount(list, path); m.point == "" || kind != "" && m.kind != kind {
			t.Errorf("%s is on %+v", path, m)
		}
	}
}
