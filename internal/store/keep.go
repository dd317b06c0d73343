package store

// Engine is the engine below, for what only one of them can.
func (db *DB) Engine() Engine { return db.engine }
