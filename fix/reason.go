package fix

// Explanation is what a user needs to know about a reason of a plan.
type Explanation struct {
	Reason  Reason
	Meaning string
}

// Explanations returns all explanations, in the order in which they come up.
func Explanations() []Explanation {
	return []Explanation{
		{Chosen, "There is something to change on the host, and it may be changed."},
		{AlreadyPermitted, "The host lets the port out already, so it is left alone."},
		{AlreadyDenied, "Neither vic-engine nor vSPC lets the port out, so there is nothing to close."},
		{Unverified, "A ruleset is enabled for a list of addresses, and no address of the virtual container host was given that could show the list to be wrong. Give --vch-ip, or --allowed-ip to add addresses."},
		{AlreadyRestored, "What an undo would restore is as it was already."},
		{HostUnavailable, "The host is not connected, or what it has could not be read. Nothing is tried on it."},
		{NoRuleset, "The host has no ruleset that could serve, or not the named one. The vSphere API cannot create rulesets; a VIB that brings one is the lasting way."},
		{NotUserControllable, "The host says that users may not switch the ruleset, or may not change its allowed hosts (ESXi 8.0 U2 and later say so for each ruleset). No other is taken in its place unless --ruleset names it, since it could open more."},
		{NotPrivileged, "The account lacks the privilege Host.Config.NetService on the host. It is asked for before anything is changed."},
		{BorrowedRuleset, "The named ruleset belongs to another service, which switches it on and off and manages whom it lets through."},
		{RulesetExists, "A ruleset of the name that was to be brought is there already and does not let the port out as it is. It may only have to be switched on."},
		{NotSurveyed, "The change is made on the host itself, and the host could not be asked over SSH beforehand. Nothing was changed on it."},
		{HostUnsuited, "The host would refuse the VIB, or not start with it, or its service.xml cannot be edited: the detail says which. It was found out before anything was changed."},
		{ChangedSince, "Somebody has changed the ruleset since the run that is to be undone. It is left alone unless --force is given."},
	}
}
