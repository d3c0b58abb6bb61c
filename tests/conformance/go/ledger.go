// Reads a ledger of AWO with nothing but Go's own packages for signed notes and transparency logs.
//
// usage: ledger FOLDER VKEY OLD_SIZE OLD_ROOT INDEX...
//
// Opens FOLDER/checkpoint with VKEY, proves from the tiles that the tree of OLD_SIZE with OLD_ROOT (base64) is its
// beginning, and that each entry INDEX is in it; then proves every entry of every bundle. Prints "ok SIZE".
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// reader gives tlog the tiles of a folder in the layout of C2SP tlog-tiles, which differs from Go's own in its path.
type reader struct{ folder string }

func (r reader) Height() int { return 8 }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// Go's path is tile/8/0/x001/067.p/5; the one of C2SP has no height, and calls the entries "entries".
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(r.folder, path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

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

func entry(folder string, index, size int64) []byte {
	tile := tlog.Tile{H: 8, L: -1, N: index / 256, W: 256}
	if left := size - tile.N*256; left < 256 {
		tile.W = int(left)
	}
	path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(folder, path))
	check(err)
	for n := int64(0); ; n++ {
		length := int(data[0])<<8 | int(data[1])
		if n == index%256 {
			return data[2 : 2+length]
		}
		data = data[2+length:]
	}
}

func main() {
	folder, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	check(err)
	data, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	check(err)
	opened, err := note.Open(data, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		check(fmt.Errorf("origin %q, key %q", lines[0], verifier.Name()))
	}
	size := number(lines[1])
	raw, err := base64.StdEncoding.DecodeString(lines[2])
	check(err)
	var root tlog.Hash
	copy(root[:], raw)
	hashes := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, reader{folder})

	oldSize := number(os.Args[3])
	var old tlog.Hash
	raw, err = base64.StdEncoding.DecodeString(os.Args[4])
	check(err)
	copy(old[:], raw)
	tree, err := tlog.ProveTree(size, oldSize, hashes)
	check(err)
	check(tlog.CheckTree(tree, size, root, oldSize, old))

	for _, text := range os.Args[5:] {
		index := number(text)
		proof, err := tlog.ProveRecord(size, index, hashes)
		check(err)
		check(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(entry(folder, index, size))))
	}
	fmt.Println("ok", size)
}
