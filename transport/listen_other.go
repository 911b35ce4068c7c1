//go:build !linux || 386

package transport

import "net"

// Listen listens as net.Listen does.
func Listen(network, address string) (net.Listener, error) { return net.Listen(network, address) }
