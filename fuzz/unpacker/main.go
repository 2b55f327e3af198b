// Unpacks images as umoci does and prints which packages a program inside of each would find.
//
// From stdin, for each image: the number of its layers, then each layer behind its length (4 bytes, little-endian each). A number of all ones
// ends a batch. To stdout, for each image: a line for each package, and `end`, or `error` where umoci refuses a layer.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/apex/log"
	"github.com/apex/log/handlers/discard"
	securejoin "github.com/cyphar/filepath-securejoin"
	"github.com/opencontainers/umoci/oci/layer"
)

// Folders below each other that are looked into, links to folders included.
const deepest = 6

// Where packages are listed, and how a list names one.
var places = []struct{ path, name *regexp.Regexp }{
	{regexp.MustCompile(`(^|/)[^/]+\.dist-info/METADATA$`), regexp.MustCompile(`(?m)^Name: (pkg[0-9]+)$`)},
	{regexp.MustCompile(`(^|/)node_modules/[^/]+/package\.json$`), regexp.MustCompile(`"name":"(pkg[0-9]+)"`)},
	{regexp.MustCompile(`^var/lib/dpkg/status\.d/[^/]+$`), regexp.MustCompile(`(?m)^Package: (pkg[0-9]+)$`)},
}

// What lies at every path, links followed as if the root were `/`.
func find(root, folder string, depth int, found map[string]bool) {
	inside, err := securejoin.SecureJoin(root, folder)
	if err != nil || depth > deepest {
		return
	}
	entries, err := os.ReadDir(inside)
	if err != nil {
		return
	}
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		place, err := securejoin.SecureJoin(root, name)
		if err != nil {
			continue
		}
		info, err := os.Lstat(place)
		if err != nil {
			continue
		}
		if info.IsDir() {
			find(root, name, depth+1, found)
			continue
		}
		for _, kind := range places {
			if info.Mode().IsRegular() && kind.path.MatchString(name) {
				if content, err := os.ReadFile(place); err == nil {
					for _, id := range kind.name.FindAllSubmatch(content, 1) {
						found[string(id[1])] = true
					}
				}
			}
		}
	}
}

func unpack(layers [][]byte, out io.Writer) error {
	root, err := os.MkdirTemp("", "unpacked")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	for _, bytes_ := range layers {
		options := layer.UnpackOptions{}
		if err := layer.UnpackLayer(root, bytes.NewReader(bytes_), &options); err != nil {
			return err
		}
	}
	found := map[string]bool{}
	find(root, "", 0, found)
	var ids []string
	for id := range found {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	if len(ids) > 0 {
		fmt.Fprintln(out, strings.Join(ids, "\n"))
	}
	return nil
}

func number(in io.Reader) (uint32, bool) {
	var bytes_ [4]byte
	if _, err := io.ReadFull(in, bytes_[:]); err != nil {
		return 0, false
	}
	return binary.LittleEndian.Uint32(bytes_[:]), true
}

func main() {
	log.SetHandler(discard.New())
	if folder := filepath.Clean(os.TempDir()); folder == "/" {
		panic("no folder for what is unpacked")
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		count, more := number(in)
		if !more {
			return
		}
		if count == 1<<32-1 {
			out.Flush()
			continue
		}
		layers := make([][]byte, count)
		for at := range layers {
			size, _ := number(in)
			layers[at] = make([]byte, size)
			if _, err := io.ReadFull(in, layers[at]); err != nil {
				panic(err)
			}
		}
		if err := unpack(layers, out); err != nil {
			fmt.Fprintln(out, "error")
		} else {
			fmt.Fprintln(out, "end")
		}
	}
}
