package fix

import "github.com/vic-preflight/vic-preflight/checks"

// Explanations returns those of all reasons of a plan, in the order in which they come
// up. Their texts are for checks.Requirement.Say.
func Explanations() []checks.Explanation {
	var list []checks.Explanation
	for _, e := range []struct {
		reason  Reason
		meaning string
	}{
		{Chosen, "There is something to change on the host, or the vCenter, and it may be changed."},
		{AlreadyPermitted, "The host lets the port through already, so it is left alone."},
		{SharesChange, "The change that another requirement of the run asks for on the host does it: rulesets often serve several. What becomes of it stands in the other row."},
		{SwitchedWhenNeeded, "ESXi itself opens the ruleset for the time that it is needed, so there is nothing to change."},
		{AlreadyDenied, "None of the rulesets that --allow enables by itself lets the port through, so there is nothing to close."},
		{NotNarrowed, "The ruleset opens much more than the port, such as vSPC, and other services may need its allowed hosts: VMware's manuals ask to leave them alone. --narrow-broad narrows them all the same; without --allowed-ip it is enabled for everybody."},
		{Unverified, "A ruleset is enabled for a list of addresses, and no address of {the peer} was given that could show the list to be wrong. Give {option}, or --allowed-ip to add addresses."},
		{AlreadyRestored, "What an undo would restore is as it was already."},
		{HostUnavailable, "The host is not connected, or what it has could not be read. Nothing is tried on it."},
		{NoRuleset, "The host has no ruleset that could serve, or not the named one. The vSphere API cannot create rulesets; a VIB that brings one is the lasting way."},
		{NotUserControllable, "The host says that users may not switch the ruleset, or may not change its allowed hosts (ESXi 8.0 U2 and later say so for each ruleset), or it is known that ESXi itself does: the detail says which. No other is taken in its place unless --ruleset names it, since it could open more."},
		{SwitchedByService, "A service of the host switches the ruleset when it starts and stops. This tool starts and stops no services."},
		{WouldShutOut, "A list of allowed hosts that would be put into force leaves out a peer, or who manages the host by the ruleset: the vCenter, or the machine that asks. So does one where their addresses are not known. Such a ruleset is not closed either."},
		{NotPrivileged, "The account lacks the privilege Host.Config.NetService on the host, or for the vCenter's setting Global.Settings on the root folder. It is asked for before anything is changed."},
		{BorrowedRuleset, "The named ruleset belongs to another service, which switches it on and off and manages whom it lets through."},
		{RulesetExists, "A ruleset of the name that was to be brought is there already and does not let the port through as it is. It may only have to be switched on."},
		{NotSurveyed, "The change is made on the host itself, and the host could not be asked over SSH beforehand. Nothing was changed on it."},
		{HostUnsuited, "The host would refuse the VIB, or not start with it, or its service.xml cannot be edited: the detail says which. It was found out before anything was changed."},
		{ChangedSince, "Somebody has changed the ruleset, or the vCenter's setting, since the run that is to be undone. It is left alone unless --force is given."},
		{RepairedInVain, "vic-preflight watch --fix has changed the host in three rounds, and the host needed it again each time: somebody else takes the change back, such as a host profile, or it does not take. The host is left alone until it needs no repair in a round, by itself or by hand; a watch that starts anew begins anew."},
		{AlreadySet, "The vCenter's advanced option config.vpxd.SerialPort.PersistNetworkBacking is true already, so it is left alone."},
		{NoSetting, "The server is an ESXi host. The option config.vpxd.SerialPort.PersistNetworkBacking is a vCenter's, and vic-machine create does not ask an ESXi host for it."},
		{SettingUnknown, "The vCenter's option could not be read. Reading it takes the privilege System.Read on the root folder. Nothing is tried."},
		{SeveralSettings, "The vCenter answers several options for config.vpxd.SerialPort.PersistNetworkBacking, such as a second one whose name begins alike. vic-machine create takes the option for made where the answer is one alone, so that to set it would not serve."},
	} {
		list = append(list, checks.Explanation{Reason: checks.Reason(e.reason), Meaning: e.meaning})
	}
	return list
}
