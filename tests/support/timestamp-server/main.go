// Command timestamp-server serves Sigstore's timestamp authority with a chain of its own on the port of loopback given as its argument. The program
// of that name serves its metrics on a fixed port of every interface too, so that only one can run.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/sigstore/timestamp-authority/pkg/log"
	"github.com/sigstore/timestamp-authority/pkg/server"
	"github.com/spf13/viper"
)

func main() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(64)
	}
	log.ConfigureLogger("prod")
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	authority := server.NewRestAPIServer("127.0.0.1", port, []string{"http"}, false, time.Minute, time.Minute)
	if err := authority.Serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
