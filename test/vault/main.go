// A Vault for tests: the real core, key/value engine and Kubernetes auth of the pinned modules, in
// memory, without the storage and database plugins that a whole Vault is built with.
//
//	vault -listen 127.0.0.1:8200 -root-token TOKEN -cert FILE -key FILE
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"

	hclog "github.com/hashicorp/go-hclog"
	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/helper/namespace"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8200", "address")
	cert := flag.String("cert", "", "file of its certificate")
	key := flag.String("key", "", "file of the certificate's key")
	token := flag.String("root-token", "", "token that may do anything")
	flag.Parse()
	if err := run(*listen, *token, *cert, *key); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(listen, token, cert, key string) error {
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	storage, err := inmem.NewInmem(nil, log)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		Logger:             log,
		DisableMlock:       true,
		DisableCache:       true,
		LogicalBackends:    map[string]logical.Factory{"kv": kv.Factory},
		CredentialBackends: map[string]logical.Factory{"kubernetes": kubernetes.Factory},
		BuiltinRegistry:    registry{},
	})
	if err != nil {
		return err
	}
	if err := start(core, token); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	properties := &vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{Type: "tcp"}}
	return http.ServeTLS(listener, vaulthttp.Handler.Handler(properties), cert, key)
}

// start makes the storage, opens it, and leaves one root token: the one that was asked for. The key
// that opens it again goes to stdout, so that a test may seal it.
func start(core *vault.Core, token string) error {
	ctx := namespace.RootContext(context.Background())
	one := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1, Name: "shamir"}
	made, err := core.Initialize(ctx, &vault.InitParams{BarrierConfig: one})
	if err != nil {
		return err
	}
	fmt.Printf("%x\n", made.SecretShares[0])
	if open, err := core.Unseal(slices.Clone(made.SecretShares[0])); err != nil || !open {
		return fmt.Errorf("cannot be unsealed: %w", err)
	}
	_, err = core.HandleRequest(ctx, &logical.Request{
		Operation:   logical.UpdateOperation,
		ClientToken: made.RootToken,
		Path:        "auth/token/create",
		Data:        map[string]any{"id": token, "policies": []string{"root"}, "no_parent": true},
	})
	return err
}

// registry names what is built in; the core makes it by its own factories.
type registry struct{}

func (registry) Contains(name string, kind consts.PluginType) bool {
	return slices.Contains(registry{}.Keys(kind), name)
}

func (registry) Get(string, consts.PluginType) (func() (any, error), bool) { return nil, false }

func (registry) Keys(kind consts.PluginType) []string {
	switch kind {
	case consts.PluginTypeSecrets:
		return []string{"kv"}
	case consts.PluginTypeCredential:
		return []string{"kubernetes"}
	default:
		return nil
	}
}

func (registry) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, registry{}.Contains(name, kind)
}

func (registry) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
