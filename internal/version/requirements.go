package version

import (
	"slices"

	"florin/internal/jsontext"
)

// holders are the kinds of which something is required (Connect).
var holders = []string{"account", "person", "capability"}

// requirementMarks are what an answer holds that shows one of the codes.
func requirementMarks(codes map[string]string) (marks []string) {
	for code := range codes {
		marks = append(marks, code+`"`)
	}
	return marks
}

// oldRequirements gives the errors of an object's requirements the codes that they had before.
func oldRequirements(o *object, codes map[string]string) error {
	for _, name := range []string{"requirements", "future_requirements"} {
		o.inside(name, func(r *object) {
			errors := r.get("errors")
			if errors == nil {
				return
			}
			out := []byte{'['}
			jsontext.Items(errors, func(item []byte) bool {
				e := decode(item)
				if old, ok := codes[e.text("code")]; ok {
					e.setText("code", old)
				}
				if len(out) > 1 {
					out = append(out, ',')
				}
				out = e.encode(out)
				return true
			})
			r.set("errors", slices.Clip(append(out, ']')))
		})
	}
	return nil
}
