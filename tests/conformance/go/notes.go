// Opens signed notes and checks proofs with nothing but Go's own packages for them.
//
// usage: notes open VKEY < NOTE     prints the text of the note when a signature by VKEY holds
//        notes proofs < LINES       each line: record|tree, sizes, indices and hashes (hex); prints "ok" or why not
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"sumdb/note"
	"sumdb/tlog"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(text string) int64 {
	value, err := strconv.ParseInt(text, 10, 64)
	check(err)
	return value
}

func hash(text string) (made tlog.Hash) {
	raw, err := hex.DecodeString(text)
	check(err)
	copy(made[:], raw)
	return made
}

func hashes(words []string) (made []tlog.Hash) {
	for _, word := range words {
		made = append(made, hash(word))
	}
	return made
}

// record SIZE ROOT INDEX LEAF PATH... and tree SIZE ROOT OLD_SIZE OLD_ROOT PATH...
func prove(words []string) error {
	size, root, second, other := number(words[1]), hash(words[2]), number(words[3]), hash(words[4])
	if words[0] == "record" {
		return tlog.CheckRecord(hashes(words[5:]), size, root, second, other)
	}
	return tlog.CheckTree(hashes(words[5:]), size, root, second, other)
}

func main() {
	if os.Args[1] == "open" {
		verifier, err := note.NewVerifier(os.Args[2])
		check(err)
		data, err := io.ReadAll(os.Stdin)
		check(err)
		opened, err := note.Open(data, note.VerifierList(verifier))
		check(err)
		fmt.Print(opened.Text)
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := prove(strings.Fields(lines.Text())); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	check(lines.Err())
}
