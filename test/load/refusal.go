package main

import "fmt"

// refusal is why something was not accepted, by a code of agent/errors.ts.
type refusal struct {
	code string
	why  string
}

func (r *refusal) Error() string { return r.code + ": " + r.why }

func refuse(code, format string, values ...any) *refusal {
	return &refusal{code: code, why: fmt.Sprintf(format, values...)}
}
