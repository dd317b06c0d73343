package webhookendpoint

import (
	"net/netip"
	"net/url"
	"strings"

	"florin/internal/fault"
)

// CheckURL refuses an address that events cannot be sent to: without scheme or host, other than HTTP, plain HTTP in live mode, and what is plainly
// not public. Names are not looked up here, where nothing leaves; package webhook checks the address that it connects to, whatever a name said.
//
// Stripe refuses this machine in test mode as well, since it cannot reach it. Florin can, and it is where tests are.
func CheckURL(text string, live bool) *fault.Error {
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsAny(text, " \t\r\n"):
		return fault.NotURL()
	case u.Scheme == "" || u.Opaque != "":
		return fault.URLWithoutScheme()
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return fault.NotURL()
	case live && u.Scheme != "https":
		return fault.LiveURLNotHTTPS(text)
	case live && (u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost")):
		return fault.URLNotPublic()
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && live && !Public(addr) {
		return fault.URLNotPublic()
	}
	return nil
}

// private are the ranges that no route on the public internet leads to, less those that netip knows by name (IANA's special-purpose registries),
// and those through which an IPv4 address can be reached by an IPv6 one.
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("3fff::/20"),
}

// Public says whether an address is one of the public internet.
func Public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false // loopback, link-local (169.254.169.254, where clouds keep credentials), multicast, unspecified, RFC 1918, fc00::/7
	}
	for _, p := range private {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
