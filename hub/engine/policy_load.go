package main

import (
	"bytes"
	"errors"
	"path"
	"strings"
)

// compilePolicy reads a policy's files. What is not understood is a fault, never left out. All faults are told
// at once: files that cannot be read keep none from being compiled, only from missing what may be in those.
func compilePolicy(asked *policyInput) (*policy, error) {
	if asked == nil {
		return nil, faultf("internal", "", 0, "no policy was given")
	}
	var faults []error
	var manifests []*subject
	made := &policy{}
	rules := newRegoFiles()
	for _, file := range asked.Files {
		switch extension := strings.ToLower(path.Ext(file.Path)); {
		case extension == ".rego":
			err := rules.add(file)
			rules.partial, faults = rules.partial || err != nil, append(faults, err)
		case isRegoData(file.Path):
			faults = append(faults, rules.addData(file))
		case extension == ".yaml" || extension == ".yml" || extension == ".json":
			found, err := readManifests(file)
			manifests, faults = append(manifests, found...), append(faults, err)
		default:
			faults = append(faults, faultf("invalid", file.Path, 1, "policies are written in .yaml, .json or .rego files"))
		}
	}
	kinds := sortManifests(manifests)
	kinds.trusts = asked.Trusts
	kinds.partial = asked.Partial || errors.Join(faults...) != nil
	rules.partial = rules.partial || asked.Partial
	made.namespaces = kinds.namespaces
	add := func(parts []part, notes []string, err error) {
		made.parts, made.notes, faults = append(made.parts, parts...), append(made.notes, notes...), append(faults, err)
	}
	add(compileAdmissionPolicies(kinds, asked.Files))
	add(compileGatekeeper(kinds, asked.Files))
	add(compileValidatingPolicies(kinds, asked.Files))
	add(compileKyverno(kinds, asked.Files))
	add(compileImagePolicies(kinds, asked.Files))
	add(rules.compile())
	if asked.Images != nil {
		found, err := newImagePart(asked.Images)
		add([]part{found}, nil, err)
	}
	if asked.Schema {
		add([]part{schemaPart{}}, nil, nil)
	}
	faults = append(faults, kinds.strangers()...)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return made, nil
}

func readManifests(file policyFile) ([]*subject, error) {
	objects, err := parseManifests(file.Path, file.Data)
	if err == nil {
		err = checkHeads(objects)
	}
	if err != nil {
		return nil, err
	}
	var found []*subject
	var faults []error
	for _, each := range objects {
		text, err := encode(each.value)
		if err == nil {
			var one *subject
			if one, err = newSubject(each.value, text, each.file, each.line); err == nil {
				found = append(found, one)
				continue
			}
		}
		faults = append(faults, faultf("invalid", each.file, each.line, "%s", err))
	}
	return found, errors.Join(faults...)
}

// manifestKinds are a policy's YAML objects by what they are for.
type manifestKinds struct {
	admissionPolicies []*subject
	bindings          []*subject
	templates         []*subject
	constraints       []*subject
	// Kyverno's in CEL.
	validatingPolicies []*subject
	imagePolicies      []*subject
	clusterPolicies    []*subject
	namespaces         []*subject
	// Anything else: parameters of admission policies, when one names their kind.
	others []*subject
	used   map[*subject]bool
	// The Policy names a trusted root for the rules of Kyverno.
	trusts bool
	// What is missing may be in files that could not be read.
	partial bool
}

func sortManifests(manifests []*subject) *manifestKinds {
	kinds := &manifestKinds{used: map[*subject]bool{}}
	for _, each := range manifests {
		switch group, kind := each.gvk.Group, each.gvk.Kind; {
		case group == "groundswell.dev":
			// The fleet's own configuration may lie beside the policies it names.
		case group == admissionGroup && kind == "ValidatingAdmissionPolicy":
			kinds.admissionPolicies = append(kinds.admissionPolicies, each)
		case group == admissionGroup && kind == "ValidatingAdmissionPolicyBinding":
			kinds.bindings = append(kinds.bindings, each)
		case group == "templates.gatekeeper.sh" && kind == "ConstraintTemplate":
			kinds.templates = append(kinds.templates, each)
		case group == "constraints.gatekeeper.sh":
			kinds.constraints = append(kinds.constraints, each)
		case group == "policies.kyverno.io" && (kind == "ValidatingPolicy" || kind == "NamespacedValidatingPolicy"):
			kinds.validatingPolicies = append(kinds.validatingPolicies, each)
		case group == "policies.kyverno.io" && (kind == "ImageValidatingPolicy" || kind == "NamespacedImageValidatingPolicy"):
			kinds.imagePolicies = append(kinds.imagePolicies, each)
		case group == "kyverno.io" && (kind == "ClusterPolicy" || kind == "Policy"):
			kinds.clusterPolicies = append(kinds.clusterPolicies, each)
		case each.isNamespace():
			kinds.namespaces = append(kinds.namespaces, each)
		default:
			kinds.others = append(kinds.others, each)
		}
	}
	return kinds
}

// strangers are objects nothing in the policy reads: better said than left out.
func (k *manifestKinds) strangers() (faults []error) {
	if k.partial {
		return nil
	}
	for _, each := range k.others {
		if !k.used[each] {
			faults = append(faults, each.fault("%s %s is no policy that can be judged here, and no policy beside it takes it as parameters",
				each.gvk.GroupVersion(), each.gvk.Kind))
		}
	}
	return faults
}

func (s *subject) fault(format string, args ...any) *fault {
	found := faultf("invalid", s.file, s.line, format, args...)
	found.Message = describe(s.id) + ": " + found.Message
	return found
}

// faultAt points at the line where text begins, within the object's own part of its file.
func (s *subject) faultAt(files []policyFile, text, format string, args ...any) *fault {
	found := s.fault(format, args...)
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	first = strings.TrimSpace(first)
	for _, file := range files {
		if file.Path != s.file || first == "" {
			continue
		}
		for at, line := range bytes.Split(file.Data, []byte("\n")) {
			if at+1 >= s.line && bytes.Contains(line, []byte(first)) {
				found.Line = at + 1
				return found
			}
		}
	}
	return found
}
