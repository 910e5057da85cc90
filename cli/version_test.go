package cli

import (
	"runtime/debug"
	"testing"
)

func TestTheVersionIsTheStampOrElseWhatGoKnows(t *testing.T) {
	build := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "01c3fdf0a4d2aa00bb11cc22dd33ee44ff556677"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, row := range []struct {
		stamp    string
		info     *debug.BuildInfo
		version  string
		semantic string
	}{
		{"v1.2.0", build("(devel)", commit), "v1.2.0", "1.2.0"},
		{"v1.2.0-dirty", build("(devel)", commit), "v1.2.0-dirty", "1.2.0+dirty"},
		{"v1.2.0-5-gabcdef0", build("v9.9.9", commit), "v1.2.0-5-gabcdef0", "1.2.0+5.gabcdef0"},
		{"v1.2.0-rc.1-5-gabcdef0-dirty", build("", commit, modified), "v1.2.0-rc.1-5-gabcdef0-dirty",
			"1.2.0-rc.1+5.gabcdef0.dirty"},
		{"abcdef0", build(""), "abcdef0", "0.0.0+abcdef0"},
		{"abcdef0-dirty", build(""), "abcdef0-dirty", "0.0.0+abcdef0.dirty"},
		{"", build("v0.0.0-20261127023134-01c3fdf0a4d2+dirty", commit, modified),
			"v0.0.0-20261127023134-01c3fdf0a4d2+dirty",
			"0.0.0-20261127023134-01c3fdf0a4d2+dirty"},
		{"", build("(devel)", commit), commit.Value, "0.0.0+" + commit.Value},
		{"", build("(devel)"), "unknown", ""},
		{"", build(""), "unknown", ""},
		{"nightly", build(""), "nightly", ""},
	} {
		v := versionOf(row.stamp, row.info)
		if v.Version != row.version || v.semantic() != row.semantic {
			t.Errorf("stamp %q, %+v: version %q, semantic %q; want %q, %q", row.stamp, row.info.Main, v.Version,
				v.semantic(), row.version, row.semantic)
		}
	}
	if v := versionOf("x", build("", commit, modified)); v.Commit != commit.Value || !v.Modified {
		t.Errorf("%+v", v)
	}
}
