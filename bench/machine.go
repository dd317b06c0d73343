package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// machine says in one line what this is measured on.
func (b *bench) machine() string {
	cpu := valueOf("/proc/cpuinfo", "model name")
	if cpu == "" {
		cpu = runtime.GOARCH
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease") // only Linux tells
	memory := field("/proc/meminfo", "MemTotal:") >> 20    // of kB
	return fmt.Sprintf("%s, %d cores, %d GiB, %s %s, %s, data on %s",
		cpu, runtime.NumCPU(), memory, runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version(), fileSystem(b.dir))
}

// busy is how many processes wanted a core in the last minute.
func busy() string {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func valueOf(path, name string) string {
	text, _ := os.ReadFile(path)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem is the kind of the file system that a folder is on.
func fileSystem(dir string) string {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "an unknown file system"
	}
	kind, longest := "", -1
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 3 {
			continue
		}
		if rel, err := filepath.Rel(f[1], dir); err == nil && rel != ".." && !strings.HasPrefix(rel, "../") && len(f[1]) > longest {
			kind, longest = f[2], len(f[1])
		}
	}
	return kind
}
