package server

import (
	"errors"
	"testing"

	"natster/functions/api"
	"natster/workloads/catalog"
)

func FuzzFetchRequest(f *testing.F) {
	f.Add([]byte(`{"session":"X","chunks":[[0,4],[9,1]]}`), int64(10))
	f.Add([]byte(`{"chunks":[[-1,9223372036854775807]]}`), int64(1))
	f.Fuzz(func(t *testing.T, b []byte, total int64) {
		q, err := decode[catalog.FetchRequest](b)
		n := 0
		if err == nil {
			n, err = countChunks(q.Chunks, total)
		}
		if err != nil {
			if !errors.Is(err, api.ErrBadRequest) {
				t.Fatal(err)
			}
			return
		}
		if n < 0 || n > catalog.MaxFetchChunks {
			t.Fatal(n)
		}
		for _, r := range q.Chunks {
			if r[0] < 0 || r[1] < 1 || r[0]+r[1] > total {
				t.Fatalf("%v of %d", r, total)
			}
		}
	})
}

func FuzzRequests(f *testing.F) {
	f.Add([]byte(`{"hash":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",` +
		`"target_xkey":"X","protocol":2,"chunk_size":1}`))
	f.Add([]byte(`{"page":true,"after":"a"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, get := decode[catalog.GetRequest](b)
		_, download := decode[catalog.DownloadRequest](b)
		_, leave := decode[catalog.CloseRequest](b)
		for _, err := range []error{get, download, leave} {
			if err != nil && !errors.Is(err, api.ErrBadRequest) {
				t.Fatal(err)
			}
		}
	})
}
