package storetest

import (
	"fmt"
	"slices"
	"testing"

	"florin/internal/store"
)

// testRewrites holds what an engine promises to those who seal private parts anew.
func testRewrites(t *testing.T, s *suite) {
	first, second := s.put("a", 0, entry("color", "red")), s.put("a", 1, entry("color", "red"))
	first.Puts[0].Priv, second.Puts[0].Priv = []byte("old 1"), []byte("old 2")
	second.Puts[0].Keep, second.Puts[0].Was = true, first.Puts[0].Index
	second.Puts[0].Created, second.Puts[0].Seq = first.Puts[0].Created, first.Puts[0].Seq
	s.must(first)
	s.must(second)
	s.must(s.put("bare", 0))
	held, err := s.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := held.Get(2, "a"); err != nil {
		t.Fatal(err)
	}
	rewrite := func(id string, ver int64, was, is string) store.Rewrite {
		r := store.Rewrite{Ref: store.Ref{Scope: 2, ID: id, Ver: ver}, Priv: []byte(is)}
		if was != "" {
			r.Was = []byte(was)
		}
		return r
	}
	s.must(&store.Unit{Rewrites: []store.Rewrite{
		rewrite("a", 1, "old 1", "new 1"),  // an earlier version
		rewrite("a", 2, "another", "no"),   // it has changed since it was read
		rewrite("a", 3, "old 2", "no"),     // no such version
		rewrite("b", 1, "old 1", "no"),     // no such document
		rewrite("bare", 1, "", "new bare"), // there was none
	}})
	want := func(snap store.Snapshot, id string, ver int64, priv string) {
		t.Helper()
		d, err := snap.Version(2, id, ver)
		if err != nil || d == nil || string(d.Priv) != priv {
			t.Errorf("version %d of %s: %+v, %v; want the private part %q", ver, id, d, err, priv)
		}
	}
	want(held, "a", 1, "old 1")
	s.read(func(snap store.Snapshot) {
		want(snap, "a", 1, "new 1")
		want(snap, "a", 2, "old 2")
		want(snap, "bare", 1, "new bare")
	})
	s.must(&store.Unit{Rewrites: []store.Rewrite{rewrite("a", 2, "old 2", "new 2")}})
	s.read(func(snap store.Snapshot) { want(snap, "a", 2, "new 2") })
	if got := s.version("a"); got != 2 {
		t.Errorf("the current version is %d: a rewrite makes none", got)
	}
	s.wantVersions("a", 1, 2)
	s.wantVersions("b")
	s.wantScan("color", "red", "a")
	s.must(s.put("a", 2)) // nor is it a conflict for who read the document before
}

func testWalkVersions(t *testing.T, s *suite) {
	for base := range int64(3) {
		for _, id := range []string{"b", "a"} {
			u := s.put(id, base)
			u.Puts[0].Keep = id == "a"
			s.must(u)
		}
	}
	other := s.put("a", 0)
	other.Puts[0].Scope = store.System
	s.must(other)
	s.must(s.put("gone", 0))
	s.must(&store.Unit{Deletes: []store.Delete{{Scope: 2, ID: "gone", Base: 1}}})
	var got []string
	s.read(func(snap store.Snapshot) {
		if err := snap.WalkVersions(func(d *store.Doc) bool {
			got = append(got, fmt.Sprintf("%d/%s/%d", d.Scope, d.ID, d.Ver))
			return true
		}); err != nil {
			t.Fatal(err)
		}
		n := 0
		if err := snap.WalkVersions(func(*store.Doc) bool { n++; return n < 2 }); err != nil || n != 2 {
			t.Errorf("it went on to %d documents, %v", n, err)
		}
	})
	for i, ref := range got { // documents in whatever order, the versions of each together and in theirs
		if ref == "2/a/1" && (i+2 >= len(got) || got[i+1] != "2/a/2" || got[i+2] != "2/a/3") {
			t.Errorf("the versions of a are not together: %v", got)
		}
	}
	slices.Sort(got)
	if want := []string{"0/a/1", "2/a/1", "2/a/2", "2/a/3", "2/b/3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
