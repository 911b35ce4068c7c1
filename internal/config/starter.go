package config

import _ "embed"

// Starter is a configuration file to begin with.
//
//go:embed starter.yaml
var Starter string
