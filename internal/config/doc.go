// Package config reads the configuration file of the router into typed structs.
//
// Load reports everything that is wrong with a file at once, each with its place in the file and a hint. Keys that
// the router does not know are errors.
package config
