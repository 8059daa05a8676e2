"""H. PCI devices in Placement, which Penstock does not have."""
from cloud import lacks

TITLES = {137: "inventory", 138: "custom class and traits", 139: "PF and VF both configured", 141: "devname", 142: "network devices are not reported",
          143: "split allocation", 144: "traits against NUMA", 146: "cannot be switched off", 147: "used PF leaves the spec", 148: "healing"}


def scenario(title):
    def function(cloud):
        catalog = cloud.api("GET", "/identity/v3/auth/catalog")[1]["catalog"]
        assert "placement" not in [service["type"] for service in catalog], "there is a Placement API, and no test of it"
        lacks("Placement API")
    function.__doc__ = title
    return function


globals().update({"scenario_%03d" % number: scenario(title) for number, title in TITLES.items()})
