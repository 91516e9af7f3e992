package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/mitchellh/copystructure"
	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// askedFacts is what a render wanted to know of its cluster. Another cluster that answers the same
// to this gets the same objects, whatever else it is.
type askedFacts struct {
	// The version of Kubernetes.
	Version bool `json:"version,omitempty"`
	// Everything that the cluster serves.
	Served bool `json:"served,omitempty"`
	// What it was asked for by name: `apps/v1`, `monitoring.coreos.com/v1/ServiceMonitor`.
	APIs []string `json:"apis,omitempty"`
}

// capabilitiesOf takes what the cluster itself lists, or adds to what Helm takes every cluster for.
func capabilitiesOf(asked *input) (*common.Capabilities, error) {
	capabilities := common.DefaultCapabilities.Copy()
	if asked.Helm.KubeVersion != "" {
		version, err := common.ParseKubeVersion(asked.Helm.KubeVersion)
		if err != nil {
			return nil, faultf("invalid", "", 0, "kubeVersion %q: %s", asked.Helm.KubeVersion, err)
		}
		capabilities.KubeVersion = *version
	}
	if asked.Helm.Served {
		capabilities.APIVersions = asked.Helm.APIVersions
	} else {
		capabilities.APIVersions = slices.Concat(capabilities.APIVersions, asked.Helm.APIVersions)
	}
	return capabilities, nil
}

// tracked stands for Helm's Capabilities in templates, and notes what they ask of it.
type tracked struct {
	real  *common.Capabilities
	asked *askedFacts
	// How often the list was taken, and how often only to ask for one of it.
	taken, named int
}

// tracing is the render under way: of a list, Go's templates need a slice, which has no room for it.
// One request is served at a time.
var tracing *tracked

// A copy of what a template was given, as `deepCopy .` makes one, asks in the same place.
func init() { copystructure.ShallowCopiers[reflect.TypeFor[*tracked]()] = struct{}{} }

// trackCapabilities puts what notes questions in the place of the capabilities. They stay themselves where they are
// taken as a whole: all of them counts as asked then, and nothing of Helm's own types need be imitated.
func trackCapabilities(made *chart.Chart, top common.Values, capabilities *common.Capabilities, asked *askedFacts) *tracked {
	tracing = &tracked{real: capabilities, asked: asked}
	if looksAround(made) || looksAroundIn(textOfValues(top)) {
		asked.Version, asked.Served = true, true
		return tracing
	}
	top["Capabilities"] = tracing
	return tracing
}

// settle is for after the last template.
func (t *tracked) settle() {
	// Taken and not asked by name: by a range, or handed on to who knows what.
	if t.taken != t.named {
		t.asked.Served = true
	}
	slices.Sort(t.asked.APIs)
	t.asked.APIs = slices.Compact(t.asked.APIs)
	if t.asked.Served || len(t.asked.APIs) > maxAskedAPIs {
		t.asked.Served, t.asked.APIs = true, nil
	}
}

const maxAskedAPIs = 200

// KubeVersion is `.Capabilities.KubeVersion`. A pointer, as its methods need one.
func (t *tracked) KubeVersion() *common.KubeVersion {
	t.asked.Version = true
	return &t.real.KubeVersion
}

// APIVersions is `.Capabilities.APIVersions`.
func (t *tracked) APIVersions() trackedSet {
	t.taken++
	return trackedSet(t.real.APIVersions)
}

// HelmVersion is `.Capabilities.HelmVersion`: of this engine, whose digest is in every input.
func (t *tracked) HelmVersion() any { return t.real.HelmVersion }

func (t *tracked) all() *common.Capabilities {
	t.asked.Version, t.asked.Served = true, true
	return t.real
}

// MarshalJSON is for toYaml and toJson.
func (t *tracked) MarshalJSON() ([]byte, error) { return json.Marshal(t.all()) }

// String is for printf.
func (t *tracked) String() string { return fmt.Sprint(t.all()) }

type trackedSet []string

// Has is `.Capabilities.APIVersions.Has`.
func (s trackedSet) Has(name string) bool {
	tracing.named++
	tracing.asked.APIs = append(tracing.asked.APIs, name)
	return slices.Contains(s, name)
}

var (
	capabilitiesWord = regexp.MustCompile("[.\"'`]Capabilities\\b")
	plainQuestion    = regexp.MustCompile(`^\.(KubeVersion\.\w|HelmVersion\b|APIVersions\.Has\b)`)
)

// looksAround says whether the chart's files take capabilities in another way than by one question
// at a time: kept in a variable, they could be asked anything unseen.
func looksAround(made *chart.Chart) bool {
	return slices.ContainsFunc(made.Raw, func(each *common.File) bool { return looksAroundIn(each.Data) }) ||
		slices.ContainsFunc(made.Dependencies(), looksAround)
}

func looksAroundIn(text []byte) bool {
	for _, at := range capabilitiesWord.FindAllIndex(text, -1) {
		if !plainQuestion.Match(text[at[1]:min(len(text), at[1]+64)]) {
			return true
		}
	}
	return false
}

// textOfValues gives values as text: charts fill in templates that are written there, too.
func textOfValues(top common.Values) []byte {
	text, err := json.Marshal(top["Values"])
	if err != nil {
		return nil
	}
	return text
}
