package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/distribution/reference"
)

// imageRules are asked of every container image in a render.
type imageRules struct {
	RequireDigest     bool     `json:"requireDigest"`
	AllowedRegistries []string `json:"allowedRegistries"`
}

type imagePart struct {
	rules *imageRules
}

func newImagePart(rules *imageRules) (*imagePart, error) {
	for _, allowed := range rules.AllowedRegistries {
		if strings.Contains(allowed, "*") || strings.TrimSuffix(allowed, "/") == "" {
			return nil, faultf("invalid", "", 0, "allowedRegistries: %q must be a registry or the beginning of a repository's path, without stars", allowed)
		}
	}
	return &imagePart{rules}, nil
}

func (p *imagePart) judge(_ context.Context, each *subject, _ *world) ([]violation, error) {
	if each.gvk.Kind == "CustomResourceDefinition" {
		return nil, nil
	}
	var found []violation
	deny := func(place, format string, args ...any) {
		found = append(found, violation{Action: "deny", Rule: "images", Message: place + ": " + fmt.Sprintf(format, args...)})
	}
	for place, image := range images(each.value, "") {
		named, err := reference.ParseDockerRef(image)
		if err != nil {
			deny(place, "%q is not an image reference: %s", image, err)
			continue
		}
		if _, pinned := named.(reference.Digested); p.rules.RequireDigest && !pinned {
			deny(place, "%s is not pinned by digest: write %s@sha256:…", image, reference.TrimNamed(named))
		}
		if len(p.rules.AllowedRegistries) > 0 && !p.allows(named) {
			deny(place, "%s is in none of the allowed registries %s", named.Name(), strings.Join(p.rules.AllowedRegistries, ", "))
		}
	}
	return found, nil
}

func (p *imagePart) allows(named reference.Named) bool {
	for _, allowed := range p.rules.AllowedRegistries {
		allowed = strings.TrimSuffix(allowed, "/")
		if named.Name() == allowed || strings.HasPrefix(named.Name(), allowed+"/") {
			return true
		}
	}
	return false
}

// images finds every container in an object, also in those of kinds nobody here knows.
func images(value any, path string) map[string]string {
	found := map[string]string{}
	collectImages(value, path, found)
	return found
}

func collectImages(value any, path string, found map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			place := strings.TrimPrefix(path+"."+key, ".")
			if list, ok := member.([]any); ok && (key == "containers" || key == "initContainers" || key == "ephemeralContainers") {
				for at, each := range list {
					container, _ := each.(map[string]any)
					if image, ok := container["image"].(string); ok {
						found[fmt.Sprintf("%s[%d].image", place, at)] = image
					}
				}
			}
			if volume, ok := member.(map[string]any); ok && key == "image" {
				if image, ok := volume["reference"].(string); ok {
					found[place+".reference"] = image
				}
			}
			collectImages(member, place, found)
		}
	case []any:
		for at, member := range value {
			collectImages(member, fmt.Sprintf("%s[%d]", path, at), found)
		}
	}
}
