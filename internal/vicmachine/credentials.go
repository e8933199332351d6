package vicmachine

import (
	"net/url"
	"strings"

	"github.com/vic-preflight/vic-preflight/checks"
)

// setTarget takes the user and the password out of the target.
func (c *Command) setTarget(target string) error {
	start := 0
	if hasScheme().MatchString(target) {
		start = strings.Index(target, "://") + len("://")
	}
	end := len(target)
	if i := strings.IndexAny(target[start:], "/?#"); i >= 0 {
		end = start + i
	}
	if at := strings.LastIndexByte(target[start:end], '@'); at >= 0 {
		end = start + at + 1
		u, err := url.Parse("https://" + target[start:end] + "host")
		if err != nil {
			return misused("target", "has a user name or a password that cannot be read", "write the password's special characters percent-encoded")
		}
		if password, ok := u.User.Password(); ok && c.Password == nil {
			c.Password = &password
		}
		if c.User == "" {
			c.User = u.User.Username()
		}
		target = target[:start] + target[end:]
	}
	// A / in a password ends the host's name there: what is left of it is not kept.
	if strings.Contains(target, "@") {
		return misused("target", "has an @ behind the host's name, as if a password with a / stood in front of it",
			"write / in a password as %2F, and @ in a datacenter's name as %40")
	}
	c.Target = target
	return nil
}

// withoutCredentials returns a URL without the user and the password in it, and without
// what may be left of a password that is not percent-encoded. A text without an @ holds
// none, and stays as it is.
func withoutCredentials(text string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return checks.UnreadableURL
	}
	path := u.EscapedPath()
	if strings.Contains(path, "@") {
		path = "/..."
	}
	return u.Scheme + "://" + u.Host + path
}

// volumeStore is withoutCredentials for TARGET:LABEL.
func volumeStore(text string) string {
	target, label := text, ""
	if end := strings.LastIndexByte(text, ':'); end >= 0 {
		target, label = text[:end], ":"+fromAt(text[end+1:])
	}
	if strings.Contains(target, "://") && !strings.HasPrefix(target, "ds://") {
		return withoutCredentials(target) + label
	}
	return fromAt(target) + label
}

// noProxy is withoutCredentials for names with commas between.
func noProxy(text string) string {
	return strings.Join(apply(fromAt, strings.Split(text, ",")), ",")
}

// fromAt drops what stands in front of the last @ of what should have none. That one
// stays, since vic-machine refuses the names of datastores and labels for it.
func fromAt(text string) string { return text[max(0, strings.LastIndexByte(text, '@')):] }
