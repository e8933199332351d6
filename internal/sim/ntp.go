package sim

import (
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// dateTimeSystem is a host's HostDateTimeSystem. The stock simulator's hosts name one
// that does not exist, and say nothing of their clocks.
type dateTimeSystem struct {
	mo.HostDateTimeSystem
	host *Host
}

func newDateTimeSystem(h *Host) *dateTimeSystem {
	s := &dateTimeSystem{host: h}
	s.Self = types.ManagedObjectReference{Type: "HostDateTimeSystem", Value: "dateTimeSystem-" + h.Ref.Value}
	s.DateTimeInfo = types.HostDateTimeInfo{
		TimeZone:            types.HostDateTimeSystemTimeZone{Key: "UTC", Name: "UTC", Description: "UTC"},
		SystemClockProtocol: string(types.HostDateTimeInfoProtocolNtp), NtpConfig: &types.HostNtpConfig{},
	}
	h.object.Config.DateTimeInfo = &s.DateTimeInfo // until it is changed
	return s
}

// change makes the API show what f makes of the host's clock, in both places. It is called
// with the lock of s held.
func (s *dateTimeSystem) change(ctx *simulator.Context, f func(*types.HostDateTimeInfo)) {
	info := s.DateTimeInfo
	f(&info)
	ctx.WithLock(s.host.object, func() { s.host.object.Config.DateTimeInfo = &info })
	s.DateTimeInfo = info
}

// UpdateDateTimeConfig takes the servers over.
func (s *dateTimeSystem) UpdateDateTimeConfig(ctx *simulator.Context, r *types.UpdateDateTimeConfig) soap.HasFault {
	s.change(ctx, func(info *types.HostDateTimeInfo) {
		if ntp := r.Config.NtpConfig; ntp != nil {
			info.NtpConfig = ntp
		}
	})
	return &methods.UpdateDateTimeConfigBody{Res: &types.UpdateDateTimeConfigResponse{}}
}

// QueryDateTime is this machine's time.
func (s *dateTimeSystem) QueryDateTime(*types.QueryDateTime) soap.HasFault {
	return &methods.QueryDateTimeBody{Res: &types.QueryDateTimeResponse{Returnval: time.Now()}}
}

// SetNTP makes the host one whose ntpd runs or not, with these servers.
func (h *Host) SetNTP(running bool, servers ...string) {
	ctx := newContext(h.image.registry)
	ctx.WithLock(h.clock, func() {
		h.clock.change(ctx, func(info *types.HostDateTimeInfo) {
			info.NtpConfig = &types.HostNtpConfig{Server: servers}
			if h.AtLeast("7.0.3") { // which has what tells of the service's state
				info.Enabled, info.ServiceSync = types.NewBool(running), types.NewBool(running)
			}
		})
	})
	h.changeService("ntpd", func(s *types.HostService) {
		if s.Running = running; running {
			s.Policy = string(types.HostServicePolicyOn)
		}
	})
}
