"""Prints what pyvmomi reads of every host's firewall, as JSON: by host and ruleset, whether
it is enabled and who is allowed. It knows nothing of vic-preflight."""

import json
import os
import ssl
import sys

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim


def allowed(hosts):
    if hosts is None:
        return None
    return {
        "all": bool(hosts.allIp),
        "addresses": sorted(list(hosts.ipAddress) + ["%s/%d" % (n.network, n.prefixLength) for n in hosts.ipNetwork]),
    }


def main():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name, port = sys.argv[1].rsplit(":", 1)
    si = SmartConnect(host=name, port=int(port), user=os.environ["CLIENT_USER"], pwd=os.environ["CLIENT_PASSWORD"], sslContext=context)
    try:
        content = si.RetrieveContent()
        view = content.viewManager.CreateContainerView(content.rootFolder, [vim.HostSystem], True)
        state = {
            host.name: {
                rs.key: {"enabled": rs.enabled, "allowed": allowed(rs.allowedHosts)}
                for rs in host.configManager.firewallSystem.firewallInfo.ruleset
            }
            for host in view.view
        }
        view.Destroy()
        json.dump(state, sys.stdout)
    finally:
        Disconnect(si)


main()
