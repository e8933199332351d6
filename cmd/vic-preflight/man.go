//go:build man

package main

import (
	"io"
	"log"
	"os"

	"github.com/spf13/cobra/doc"
)

// init makes this build write the man pages into the directory that it is given, in
// place of running: the program of the users carries no generator.
func init() {
	root := newRoot(&app{stdin: os.Stdin, stdout: io.Discard, stderr: os.Stderr, lookupEnv: os.LookupEnv})
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	header := &doc.GenManHeader{Section: "1", Source: "vic-preflight " + version, Manual: "vic-preflight"}
	if err := doc.GenManTree(root, header, os.Args[1]); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}
