package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/tandemrouter/tandem/internal/config"
)

type initCmd struct{}

// Run prints a configuration file.
func (*initCmd) Run(p *program) error {
	_, err := fmt.Fprint(p.Out, config.Starter)
	return err
}

type checkCmd struct {
	Config string `short:"c" placeholder:"FILE" help:"The configuration file (YAML)."`
}

// Help is printed above the flags.
func (*checkCmd) Help() string {
	return `Everything that is wrong is told at once, as FILE:LINE:COLUMN. The exit code is that of "tandem serve": 3 if the file
is wrong, 10 if it would be dangerous. Whether the addresses are free is not tried.`
}

// Run reads the file and says what the router would do.
func (c *checkCmd) Run(p *program) error {
	conf, err := loadConfig("check", c.Config)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Out, "%s: nothing is wrong (%s, %s)\n", c.Config,
		number(len(conf.Listeners), "listener"), number(len(conf.Realms), "realm"))
	return err
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// loadConfig reads the configuration file that the command was given.
func loadConfig(command, file string) (*config.Config, error) {
	if file == "" {
		return nil, exit(exitUsage, "which configuration? tandem %s -c FILE\n"+
			"  \"tandem init > tandem.yaml\" writes a file to begin with; \"tandem dev\" needs none", command)
	}
	conf, err := config.Load(file)
	var problems *config.Error
	switch {
	case err == nil:
		return conf, nil
	case errors.As(err, &problems) && problems.Unsafe:
		return nil, exit(exitLimit, "this would be dangerous:\n%w", err)
	default:
		return nil, exit(exitConfig, "the configuration cannot be used:\n%w%s", err, hintForFile(err))
	}
}

// hintForFile says what a person can do about a file that cannot be read.
func hintForFile(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "\n  \"tandem init > FILE\" writes a file to begin with"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("\n  the router must be able to read it; it runs as user %d", os.Getuid())
	case errors.Is(err, syscall.EISDIR):
		return "\n  it is a directory, and a file is needed"
	default:
		return ""
	}
}
