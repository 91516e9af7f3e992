package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"
)

// containerLists are where pods name images, by the names that expressions know them by.
var containerLists = []string{"containers", "initContainers", "ephemeralContainers"}

// images are those of an object that the policy means, by where they are: as pods and their
// controllers name them, and as the policy's own expressions find them.
func (p *imageRulePart) images(ctx context.Context, each *subject, known map[string]any) (map[string][]string, error) {
	found := map[string][]string{}
	pod := each
	if each.gvk.Group != "" || each.gvk.Kind != "Pod" {
		pod = podOf(each, sortedKeys(podControllers))
	}
	if pod != nil {
		for _, list := range containerLists {
			found[list] = imagesIn(pod.value, list)
		}
	}
	for _, one := range p.extractors {
		value, _, err := one.program.ContextEval(ctx, known)
		if err != nil {
			return nil, err
		}
		list, err := value.ConvertToNative(reflect.TypeFor[[]string]())
		if err != nil {
			return nil, fmt.Errorf("images %s: %w", one.name, err)
		}
		found[one.name] = list.([]string)
	}
	meant := map[string][]string{}
	for name, list := range found {
		meant[name] = []string{}
		for _, image := range list {
			if fits, err := p.isMeant(image); err != nil {
				return nil, err
			} else if fits {
				meant[name] = append(meant[name], image)
			}
		}
	}
	return meant, nil
}

func imagesIn(pod map[string]any, list string) (found []string) {
	spec, _ := pod["spec"].(map[string]any)
	containers, _ := spec[list].([]any)
	for _, one := range containers {
		container, _ := one.(map[string]any)
		if image, ok := container["image"].(string); ok {
			found = append(found, image)
		}
	}
	return found
}

// isMeant tells whether one of the references picks an image; without any all are meant.
func (p *imageRulePart) isMeant(image string) (bool, error) {
	for _, one := range p.references {
		if one.glob != nil && one.glob.Match(image) {
			return true, nil
		}
		if one.program == nil {
			continue
		}
		if fits, err := isTrue(context.Background(), one.program, map[string]any{"ref": image}); err != nil || fits {
			return fits, err
		}
	}
	return len(p.references) == 0, nil
}

func hasDigest(image string) bool {
	_, digest, found := strings.Cut(image, "@")
	return found && digest != ""
}

// requiredImages are images that some policy must have found signed, once all have judged an object.
type requiredImages struct {
	rule    string
	actions []string
	images  []string
}

// settle tells which required images nobody found signed, and begins anew for the next object.
func (w *world) settle() (found []violation) {
	for _, one := range w.required {
		for _, image := range one.images {
			verified, asked := w.verified[image]
			if verified {
				continue
			}
			said := fmt.Sprintf("image %s is not verified: no policy asks for a signature or an attestation of it", image)
			if asked {
				said = fmt.Sprintf("image %s failed the verification of signatures or attestations", image)
			}
			for _, action := range one.actions {
				found = append(found, ofImage(action, one.rule, "", said))
			}
		}
	}
	w.required = nil
	clear(w.verified)
	return found
}
