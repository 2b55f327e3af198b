// Reads archives from stdin, each behind its length (4 bytes, little-endian), and prints what Go's archive/tar sees in each:
// a line for each entry, and `end` or `error`.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
)

// Contents larger than this are not looked at.
const most = 1 << 20

func clean(name string) string {
	var parts []string
	for _, part := range strings.Split(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if len(parts) > 0 {
				parts = parts[:len(parts)-1]
			}
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

func list(archive []byte, out *bytes.Buffer) error {
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := clean(header.Name)
		if name == "" || header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		switch header.Typeflag {
		case tar.TypeDir:
			fmt.Fprintf(out, "d %x\n", name)
		case tar.TypeSymlink:
			fmt.Fprintf(out, "s %x %x\n", name, header.Linkname)
		case tar.TypeLink:
			fmt.Fprintf(out, "h %x %x\n", name, clean(header.Linkname))
		case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
			fmt.Fprintf(out, "n %x\n", name)
		default:
			sum := fnv.New64a()
			if header.Size <= most {
				if _, err := io.Copy(sum, reader); err != nil {
					return err
				}
			}
			fmt.Fprintf(out, "f %x %d %x\n", name, header.Size, sum.Sum64())
		}
	}
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	var length [4]byte
	var archive []byte
	var text bytes.Buffer
	for {
		if _, err := io.ReadFull(in, length[:]); err != nil {
			break
		}
		size := int(binary.LittleEndian.Uint32(length[:]))
		if size == 1<<32-1 {
			// A batch ends: whoever sent it waits.
			out.Flush()
			continue
		}
		if cap(archive) < size {
			archive = make([]byte, size)
		}
		archive = archive[:size]
		if _, err := io.ReadFull(in, archive); err != nil {
			panic(err)
		}
		text.Reset()
		end := "end\n"
		if err := list(archive, &text); err != nil {
			end = "error\n"
		}
		out.Write(text.Bytes())
		out.WriteString(end)
	}
	out.Flush()
}
