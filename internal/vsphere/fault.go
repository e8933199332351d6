package vsphere

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"reflect"
	"strings"
	"syscall"

	"github.com/vmware/govmomi/fault"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// Describe says in plain words, without a capital or a full stop, what an
// error of the API or the network means.
func Describe(err error) string {
	if f := faultOf(err); f != nil {
		return describeFault(f, messageOf(err))
	}
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		return "the time ran out"
	case errors.As(err, &dns):
		return fmt.Sprintf("the name %s does not resolve (%s)", dns.Name, dns.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

func faultOf(err error) types.AnyType {
	switch {
	case err == nil:
		return nil
	case soap.IsSoapFault(err):
		return soap.ToSoapFault(err).VimFault()
	case soap.IsVimFault(err):
		return soap.ToVimFault(err)
	}
	return nil
}

func messageOf(err error) string {
	if soap.IsSoapFault(err) {
		return soap.ToSoapFault(err).String
	}
	return ""
}

func describeFault(f types.AnyType, message string) string {
	switch f := deref(f).(type) {
	case types.NoPermission:
		if f.PrivilegeId == "" {
			return "the account has no permission"
		}
		return fmt.Sprintf("the account lacks the privilege %s", f.PrivilegeId)
	case types.NotAuthenticated:
		return "the session has expired"
	case types.InvalidLogin:
		return "wrong user name or password"
	case types.ManagedObjectNotFound:
		return "it is no longer in the inventory"
	case types.NotFound:
		return "the host has no such ruleset"
	case types.HostNotConnected:
		return "vCenter is not connected to the host"
	case types.HostNotReachable:
		return "vCenter cannot reach the host"
	case types.HostConfigFault:
		return withMessage("the host refused the change", message)
	case types.RestrictedVersion:
		return "the host's licence allows no changes through the API (the free one does not)"
	case types.HostAccessRestrictedToManagementServer:
		return fmt.Sprintf("the host takes this from its vCenter alone, which is %s", cmp.Or(f.ManagementServer, "not named"))
	case types.InvalidProperty:
		return fmt.Sprintf("there is no property %s", f.Name)
	case types.MethodNotFound:
		return fmt.Sprintf("the server has no method %s", f.Method)
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", deref(f)), "types.")
	return withMessage("it answered with the fault "+name, message)
}

func withMessage(s, message string) string {
	if message = strings.TrimSpace(message); message != "" {
		return fmt.Sprintf("%s: %s", s, strings.TrimSuffix(message, "."))
	}
	return s
}

// deref unifies the faults of a SOAP fault (values) and of a missing property
// (pointers).
func deref(f types.AnyType) types.AnyType {
	if v := reflect.ValueOf(f); v.Kind() == reflect.Pointer && !v.IsNil() {
		return v.Elem().Interface()
	}
	return f
}

func isNotAuthenticated(err error) bool {
	return err != nil && fault.Is(err, &types.NotAuthenticated{})
}

// isNetworkError tells an error of the connection from one of what came over it.
func isNetworkError(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var timeout net.Error
	return errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &timeout) && timeout.Timeout() ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}
