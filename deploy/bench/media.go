package main

import "context"

func media(context.Context, *lab) ([]Result, error) { return nil, nil }
func slow(context.Context, *lab) ([]Result, error)  { return nil, nil }
func sendRole(context.Context, []string) error      { return nil }
func receiveRole(context.Context, []string) error   { return nil }
