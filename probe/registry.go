package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// registryTimeout bounds the connection to a registry, as vic-machine does.
const registryTimeout = 10 * time.Second

// RegistryOptions say how a registry is reached.
type RegistryOptions struct {
	// Insecure takes any certificate, and plain HTTP where there is no TLS.
	Insecure bool
	// Roots are trusted in place of the system's; nil means the system's.
	Roots *x509.CertPool
}

// Registry reports why no Docker registry, by version 2 of its API, answers at
// host[:port] from this machine. It asks for no image and sends no credentials: an answer
// that wants them will do. vic-machine create asks the same (vmware/vic
// pkg/registry/registry.go).
func Registry(ctx context.Context, address string, o RegistryOptions) error {
	ctx, cancel := context.WithTimeout(ctx, registryTimeout)
	defer cancel()
	transport := &http.Transport{
		Proxy:           http.ProxyFromEnvironment,
		TLSClientConfig: &tls.Config{RootCAs: o.Roots, InsecureSkipVerify: o.Insecure},
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	err := askRegistry(ctx, client, "https", address)
	if err != nil && o.Insecure && ctx.Err() == nil {
		if askRegistry(ctx, client, "http", address) == nil {
			return nil
		}
	}
	return err
}

func askRegistry(ctx context.Context, client *http.Client, scheme, address string) error {
	const header, version = "Docker-Distribution-Api-Version", "registry/2.0"
	u := url.URL{Scheme: scheme, Host: address, Path: "/v2/"}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return fmt.Errorf("%q is no host[:port]", address)
	}
	res, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the URL
		}
		return err
	}
	defer res.Body.Close()
	if res.Header.Get(header) != version {
		return fmt.Errorf("what answers is no registry: HTTP %d without %s", res.StatusCode, header)
	}
	return nil
}
