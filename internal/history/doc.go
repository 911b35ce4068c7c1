// Package history keeps the events of the topics whose history somebody may ask for, and answers what they ask
// (requirements 2.32).
//
//	broker ── Append ──► Store ──┬─ Ring  in memory, gone with the process
//	                             └─ File  on disk: Append ─► waiting ─► committer ─► one transaction for many events
//	caller ── ParseQuery ─► Select ── Scan ──► events, oldest or newest first
//
// A store has one history for each [Key], which is what survives a restart of a subscription: its topic and match policy.
// Append never waits for a disk, because the broker's lock is held over it. Who must know that an event is safe waits for
// the [Commit] that Append returns.
//
// # What is kept
//
// A history is bounded in the number, the bytes and the age of its events, and all of a realm's together in bytes
// ([Config]); the oldest go first (EVH-16). Events that wait for the disk are bounded too: if it does not keep up, further
// ones are not kept, and whoever waits for them gets an error.
//
// Times are kept in milliseconds, which is what a result shows (EVH-06): a caller that asks for what came after the time
// it saw last gets no event twice.
//
// # The file
//
// It is a bbolt database with two buckets:
//
//	tandem.history  what the file is: format, version, realm
//	events          a bucket for each key: sequence number ─► record
//
// A record has a version and a checksum of its own. Opening a file reads all of it, and fails if it is something else, of
// another realm, damaged, or in use; such a file is never written to.
package history
