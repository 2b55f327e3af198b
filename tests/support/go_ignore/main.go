// Which paths moby's patternmatcher leaves out, as BuildKit asks it: folders first, each path with what matched its folder.
// Reads a line of JSON a case, and answers with `error`, or a 0 or 1 for each path.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type asked struct {
	Patterns string
	Paths    []string
}

func answer(line []byte) (string, error) {
	var one asked
	if err := json.Unmarshal(line, &one); err != nil {
		return "", err
	}
	patterns, err := ignorefile.ReadAll(strings.NewReader(one.Patterns))
	if err != nil {
		return "", err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return "", err
	}
	folders := map[string]patternmatcher.MatchInfo{".": {}}
	var bits strings.Builder
	for _, name := range one.Paths {
		ignored, info, err := matcher.MatchesUsingParentResults(name, folders[path.Dir(name)])
		if err != nil {
			return "", err
		}
		folders[name] = info
		if ignored {
			bits.WriteByte('1')
		} else {
			bits.WriteByte('0')
		}
	}
	return bits.String(), nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		bits, err := answer(lines.Bytes())
		if err != nil {
			bits = "error"
		}
		fmt.Println(bits)
	}
}
