//go:build !linux

package sqlite

const canSyncData = false

func syncData(uintptr) int32 { panic("not on this system") }
