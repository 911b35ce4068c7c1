package server

import "os"

// ballastSize is what the collector takes the heap to be larger than it is.
const ballastSize = 16 << 20

// ballast returns memory that nobody ever touches, so that the system never provides it. The collector runs when the
// heap has doubled; a router keeps so little alive that it would run tens of times a second when sessions come and go,
// and with the ballast it runs when some 32 MiB have gathered. Whoever sets the collector by GOGC or GOMEMLIMIT gets
// what was set.
func ballast() []byte {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return nil
	}
	return make([]byte, ballastSize)
}
