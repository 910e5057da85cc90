// Package e2e tests the website as a person meets it: Chromium on the built page, the site's server, a real world with
// real accounts, alice's catalog server, and bob at the browser. It needs Node, Chromium, ffmpeg and the built page,
// and therefore has the build tag "browser": make browser.
//
//	e2e_test.go      runs page/e2e/*.test.mjs against a stage, each file one chapter
//	stage_test.go    the stage: world, site, catalog, and what the browser's side can request (kill, unshare, …)
//	original_test.go a catalog that is served as an original server does
//	tap_test.go      listens between the site and the NATS server
//	fixture_test.go  the files that alice shares, hostile ones among them
//
// The browser's side is JavaScript because Playwright is; what it asks of the stage it asks over HTTP, on loopback.
package e2e
