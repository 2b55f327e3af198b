// Reads documents as programs do that run images: with encoding/json, into the structures of the OCI specification and of moby.
// A line in is KIND and the document in hex; a line out is what matters of it, or "refused".
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type platform struct {
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	OSVersion    string   `json:"os.version,omitempty"`
	OSFeatures   []string `json:"os.features,omitempty"`
	Variant      string   `json:"variant,omitempty"`
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	URLs         []string          `json:"urls,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Data         []byte            `json:"data,omitempty"`
	Platform     *platform         `json:"platform,omitempty"`
	ArtifactType string            `json:"artifactType,omitempty"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
	Subject       *descriptor       `json:"subject,omitempty"`
}

type index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType,omitempty"`
	Manifests     []descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type config struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Config       struct {
		User       string              `json:"User,omitempty"`
		Env        []string            `json:"Env,omitempty"`
		Entrypoint []string            `json:"Entrypoint,omitempty"`
		Cmd        []string            `json:"Cmd,omitempty"`
		WorkingDir string              `json:"WorkingDir,omitempty"`
		Labels     map[string]string   `json:"Labels,omitempty"`
		Ports      map[string]struct{} `json:"ExposedPorts,omitempty"`
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by,omitempty"`
		EmptyLayer bool   `json:"empty_layer,omitempty"`
	} `json:"history,omitempty"`
}

func describe(d descriptor) string {
	said := fmt.Sprintf("%s|%s|%d", hex.EncodeToString([]byte(d.MediaType)), d.Digest, d.Size)
	if d.Platform != nil {
		said += fmt.Sprintf("|%x/%x/%x", d.Platform.OS, d.Platform.Architecture, d.Platform.Variant)
	}
	return said
}

func list(words []string) string {
	said := make([]string, len(words))
	for i, word := range words {
		said[i] = hex.EncodeToString([]byte(word))
	}
	return strings.Join(said, ",")
}

func descriptors(all []descriptor) string {
	said := make([]string, len(all))
	for i, one := range all {
		said[i] = describe(one)
	}
	return strings.Join(said, ";")
}

func read(kind string, document []byte) string {
	switch kind {
	case "manifest":
		var m manifest
		if json.Unmarshal(document, &m) != nil {
			return "refused"
		}
		return describe(m.Config) + " " + descriptors(m.Layers)
	case "index":
		var i index
		if json.Unmarshal(document, &i) != nil {
			return "refused"
		}
		return descriptors(i.Manifests)
	default:
		var c config
		if json.Unmarshal(document, &c) != nil {
			return "refused"
		}
		return fmt.Sprintf("%x %x %x %s %s %s %x %s %d", c.OS, c.Architecture, c.Config.User, list(c.Config.Env), list(c.Config.Entrypoint),
			list(c.Config.Cmd), c.Config.WorkingDir, strings.Join(c.RootFS.DiffIDs, ","), len(c.Config.Labels))
	}
}

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		kind, text, _ := strings.Cut(in.Text(), " ")
		document, err := hex.DecodeString(text)
		if err != nil {
			panic(err)
		}
		fmt.Fprintln(out, read(kind, document))
	}
}
