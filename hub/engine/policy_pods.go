package main

import (
	"context"
	"maps"
	"slices"
)

// podControllers are the kinds that make pods, by the name Kyverno gives them, and where in them
// the pod's template is.
var podControllers = map[string]struct {
	kind string
	path []string
}{
	"cronjobs":               {"batch/CronJob", []string{"spec", "jobTemplate", "spec", "template"}},
	"daemonsets":             {"apps/DaemonSet", []string{"spec", "template"}},
	"deployments":            {"apps/Deployment", []string{"spec", "template"}},
	"jobs":                   {"batch/Job", []string{"spec", "template"}},
	"replicasets":            {"apps/ReplicaSet", []string{"spec", "template"}},
	"replicationcontrollers": {"/ReplicationController", []string{"spec", "template"}},
	"statefulsets":           {"apps/StatefulSet", []string{"spec", "template"}},
}

// podPart is a rule about pods that also holds for the pods that controllers will make.
type podPart struct {
	rule        part
	controllers []string
}

func (p *podPart) judge(ctx context.Context, each *subject, world *world) ([]violation, error) {
	found, err := p.rule.judge(ctx, each, world)
	if err != nil || len(p.controllers) == 0 {
		return found, err
	}
	pod := podOf(each, p.controllers)
	if pod == nil {
		return found, nil
	}
	ofPods, err := p.rule.judge(ctx, pod, world)
	for _, one := range ofPods {
		one.Message = "its pods: " + one.Message
		found = append(found, one)
	}
	return found, err
}

// podOf makes the pod a controller would, nil when the object makes none.
func podOf(each *subject, controllers []string) *subject {
	for _, name := range controllers {
		known, ok := podControllers[name]
		if !ok || known.kind != each.gvk.Group+"/"+each.gvk.Kind {
			continue
		}
		var template any = each.value
		for _, step := range known.path {
			fields, _ := template.(map[string]any)
			template = fields[step]
		}
		fields, _ := template.(map[string]any)
		if fields == nil {
			return nil
		}
		metadata := map[string]any{}
		if written, ok := fields["metadata"].(map[string]any); ok {
			metadata = maps.Clone(written)
		}
		metadata["name"] = each.id.Name
		if each.id.Namespace != "" {
			metadata["namespace"] = each.id.Namespace
		}
		value := map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": fields["spec"]}
		text, err := encode(value)
		if err != nil {
			return nil
		}
		pod, err := newSubject(value, text, each.file, each.line)
		if err != nil {
			return nil
		}
		return pod
	}
	return nil
}

// knownControllers refuses names nobody here knows.
func knownControllers(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, ok := podControllers[name]; return !ok })
}
