package main

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kyverno/kyverno/ext/wildcard"
	"github.com/kyverno/kyverno/pkg/pss/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/pod-security-admission/api"
	standard "k8s.io/pod-security-admission/policy"
)

// kyvernoPods is a rule's validate.podSecurity: the checks of Kubernetes' Pod Security Standards, less
// what is excluded. The checks are those Kyverno has, which tell each field that is at fault.
type kyvernoPods struct {
	Level   string           `json:"level"`
	Version string           `json:"version"`
	Exclude []kyvernoControl `json:"exclude"`

	checks map[string]standard.CheckPodFn
}

// kyvernoControl is a control that does not hold: of a pod as a whole, or of containers by their images.
type kyvernoControl struct {
	ControlName     string   `json:"controlName"`
	Images          []string `json:"images"`
	RestrictedField string   `json:"restrictedField"`
	Values          []string `json:"values"`
}

// podSecurity reads what is written and picks the checks of its level and version.
func (c *kyvernoCompiling) podSecurity(given *kyvernoPods) *kyvernoPods {
	if c.read.Validate.has() != 0 || c.read.Validate.CEL != nil {
		c.fault("validate.podSecurity goes with no other check")
	}
	level := api.Level(given.Level)
	if level != api.LevelBaseline && level != api.LevelRestricted {
		// Of `privileged` the standard asks nothing, and Kyverno as much as of `restricted`.
		c.fault("validate.podSecurity.level %q is not judged here; write baseline or restricted", given.Level)
	}
	version, err := api.ParseVersion(cmp.Or(given.Version, api.VersionLatest))
	if err != nil {
		c.fault("validate.podSecurity.version %q is not latest or v1.N", given.Version)
		return given
	}
	given.Version, given.checks = version.String(), checksOf(level, version)
	for at, control := range given.Exclude {
		place := fmt.Sprintf("validate.podSecurity.exclude[%d]", at)
		if _, known := utils.PSS_control_name_to_ids[control.ControlName]; !known {
			c.fault("%s.controlName: there is no control %q", place, control.ControlName)
		}
		if slices.Contains(utils.PSS_container_level_control, control.ControlName) && len(control.Images) == 0 {
			c.fault("%s: %s is asked of containers, so it needs images", place, control.ControlName)
		}
		if slices.Contains(utils.PSS_pod_level_control, control.ControlName) && len(control.Images) > 0 {
			c.fault("%s: %s is asked of pods, so it goes without images", place, control.ControlName)
		}
		if (control.RestrictedField == "") != (len(control.Values) == 0) {
			c.fault("%s: restrictedField and values go together", place)
		}
	}
	return given
}

// checksOf picks the newest revision of each check that a version has, as Kyverno does: checks of
// restricted do not stand in for those of baseline.
func checksOf(level api.Level, version api.Version) map[string]standard.CheckPodFn {
	found := map[string]standard.CheckPodFn{}
	for _, check := range standard.DefaultChecks() {
		if level == api.LevelBaseline && check.Level != level {
			continue
		}
		picked := check.Versions[0]
		for _, next := range check.Versions[1:] {
			if !version.Older(next.MinimumVersion) && picked.MinimumVersion.Older(next.MinimumVersion) {
				picked = next
			}
		}
		found[string(check.ID)] = picked.CheckPod
	}
	return found
}

// reason tells what of an object's pods is against the standard; empty when nothing is.
func (p *kyvernoPods) reason(each *subject) (string, error) {
	if each.gvk.Group != "" || each.gvk.Kind != "Pod" {
		pod := podOf(each, sortedKeys(podControllers))
		if pod == nil {
			return "", fmt.Errorf("%s makes no pods that are known here", describe(each.id))
		}
		each = pod
	}
	pod, ok := each.object.(*corev1.Pod)
	switch {
	case each.unreadable != nil:
		return "", each.unreadable
	case !ok:
		return "", fmt.Errorf("%s cannot be read as a v1 Pod", describe(each.id))
	}
	found := p.ask(pod)
	for _, control := range p.Exclude {
		control.exempt(found, p.ask(control.reduce(pod)), pod)
	}
	if len(found) == 0 {
		return "", nil
	}
	var reasons []string
	for _, id := range sortedKeys(found) {
		reasons = append(reasons, describeFields(found[id]))
	}
	return fmt.Sprintf("violates PodSecurity %q: %s", p.Level+":"+p.Version, strings.Join(reasons, "; ")), nil
}

// ask gives the results of the checks a pod does not pass.
func (p *kyvernoPods) ask(pod *corev1.Pod) map[string]standard.CheckResult {
	found := map[string]standard.CheckResult{}
	for id, check := range p.checks {
		if result := check(&pod.ObjectMeta, &pod.Spec, standard.WithFieldErrors()); !result.Allowed {
			found[id] = result
		}
	}
	return found
}

// reduce leaves of a pod what a control may be excluded for: all but its containers, or the
// containers of some images and nothing else.
func (e *kyvernoControl) reduce(pod *corev1.Pod) *corev1.Pod {
	if len(e.Images) == 0 {
		reduced := pod.DeepCopy()
		reduced.Spec.Containers = []corev1.Container{{Name: "fake"}}
		reduced.Spec.InitContainers, reduced.Spec.EphemeralContainers = nil, nil
		return reduced
	}
	reduced := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace}}
	meant := func(image string) bool { return wildcard.CheckPatterns(e.Images, image) }
	for _, each := range pod.Spec.Containers {
		if meant(each.Image) {
			reduced.Spec.Containers = append(reduced.Spec.Containers, each)
		}
	}
	for _, each := range pod.Spec.InitContainers {
		if meant(each.Image) {
			reduced.Spec.InitContainers = append(reduced.Spec.InitContainers, each)
		}
	}
	for _, each := range pod.Spec.EphemeralContainers {
		if meant(each.Image) {
			reduced.Spec.EphemeralContainers = append(reduced.Spec.EphemeralContainers, each)
		}
	}
	return reduced
}

// exempt takes from what was found what the reduced pod is at fault for as well.
func (e *kyvernoControl) exempt(found, excused map[string]standard.CheckResult, pod *corev1.Pod) {
	reduced := e.reduce(pod)
	for _, id := range utils.PSS_control_name_to_ids[e.ControlName] {
		held, ok := found[id]
		if !ok || held.ErrList == nil || len(*held.ErrList) == 0 || excused[id].ErrList == nil {
			continue
		}
		left := slices.Clone(*held.ErrList)
		for _, one := range *excused[id].ErrList {
			if !e.allows(one) {
				continue
			}
			place := e.placeOf(one, reduced)
			at := slices.IndexFunc(left, func(other *field.Error) bool {
				return e.placeOf(other, pod) == place && reflect.DeepEqual(one.BadValue, other.BadValue)
			})
			if at < 0 {
				at = slices.IndexFunc(left, func(other *field.Error) bool { return e.placeOf(other, pod) == place })
			}
			if at >= 0 {
				left = slices.Delete(left, at, at+1)
			}
		}
		if held.ErrList = (*field.ErrorList)(&left); len(left) == 0 {
			delete(found, id)
			continue
		}
		found[id] = held
	}
}

// allows tells whether a fault is of the field that is named, and of no other values.
func (e *kyvernoControl) allows(found *field.Error) bool {
	if e.RestrictedField != "" && e.RestrictedField != starred(found.Field) {
		return false
	}
	return !slices.ContainsFunc(valuesOf(found.BadValue), func(value string) bool {
		return len(e.Values) > 0 && !wildcard.CheckPatterns(e.Values, value)
	})
}

var fieldIndex = regexp.MustCompile(`\d+`)

func starred(path string) string { return fieldIndex.ReplaceAllString(path, "*") }

// placeOf is a field without its indices, and the container it is in where containers are told apart.
func (e *kyvernoControl) placeOf(found *field.Error, pod *corev1.Pod) [2]string {
	place := [2]string{starred(found.Field)}
	if len(e.Images) == 0 {
		return place
	}
	kind, rest, _ := strings.Cut(strings.TrimPrefix(found.Field, "spec."), "[")
	digits, _, _ := strings.Cut(rest, "]")
	at, err := strconv.Atoi(digits)
	if err != nil {
		return place
	}
	switch {
	case kind == "containers" && at < len(pod.Spec.Containers):
		place[1] = pod.Spec.Containers[at].Name
	case kind == "initContainers" && at < len(pod.Spec.InitContainers):
		place[1] = pod.Spec.InitContainers[at].Name
	case kind == "ephemeralContainers" && at < len(pod.Spec.EphemeralContainers):
		place[1] = pod.Spec.EphemeralContainers[at].Name
	}
	return place
}

func valuesOf(bad any) []string {
	switch bad := bad.(type) {
	case string:
		if bad == "" {
			return nil
		}
		return []string{bad}
	case bool, int:
		return []string{fmt.Sprint(bad)}
	case []string:
		return bad
	}
	return nil
}

// describeFields names each field at fault with its value, where the check tells them.
func describeFields(found standard.CheckResult) string {
	if found.ErrList == nil || len(*found.ErrList) == 0 {
		return fmt.Sprintf("%s (%s)", found.ForbiddenReason, found.ForbiddenDetail)
	}
	var fields []string
	for _, one := range *found.ErrList {
		if values := valuesOf(one.BadValue); len(values) > 0 {
			fields = append(fields, one.Field+": "+strings.Join(values, ", "))
			continue
		}
		fields = append(fields, one.Field)
	}
	slices.Sort(fields)
	return fmt.Sprintf("%s (%s)", found.ForbiddenReason, strings.Join(fields, "; "))
}
