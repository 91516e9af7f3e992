package main

import (
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	admissionregistration "k8s.io/kubernetes/pkg/apis/admissionregistration/v1"
	apps "k8s.io/kubernetes/pkg/apis/apps/v1"
	autoscalingv1 "k8s.io/kubernetes/pkg/apis/autoscaling/v1"
	autoscaling "k8s.io/kubernetes/pkg/apis/autoscaling/v2"
	batch "k8s.io/kubernetes/pkg/apis/batch/v1"
	core "k8s.io/kubernetes/pkg/apis/core/v1"
	discovery "k8s.io/kubernetes/pkg/apis/discovery/v1"
	flowcontrol "k8s.io/kubernetes/pkg/apis/flowcontrol/v1"
	networking "k8s.io/kubernetes/pkg/apis/networking/v1"
	rbac "k8s.io/kubernetes/pkg/apis/rbac/v1"
	scheduling "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	storage "k8s.io/kubernetes/pkg/apis/storage/v1"
)

// defaults are the API server's own: what a policy sees in a cluster is never what was written,
// but that with its defaults, and a rule about `replicas` counts on it.
var defaults = sync.OnceValue(func() *runtime.Scheme {
	made := runtime.NewScheme()
	for _, register := range []func(*runtime.Scheme) error{
		admissionregistration.RegisterDefaults, apps.RegisterDefaults, autoscalingv1.RegisterDefaults,
		autoscaling.RegisterDefaults, batch.RegisterDefaults, core.RegisterDefaults,
		discovery.RegisterDefaults, flowcontrol.RegisterDefaults, networking.RegisterDefaults,
		rbac.RegisterDefaults, scheduling.RegisterDefaults, storage.RegisterDefaults,
	} {
		if err := register(made); err != nil {
			panic(err)
		}
	}
	return made
})
