package pgtest

import "syscall"

// attributes has a process run as who, and end with this one, however this one ends.
func attributes(who *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: who, Pdeathsig: syscall.SIGQUIT}
}
