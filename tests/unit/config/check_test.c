/* Tests of config: the table of options, and what is said of values and names that are wrong. */
#include "../test.h"

#include "base/memory.h"
#include "base/text.h"
#include "config/check.h"
#include "config/options.h"

static struct error err;

static void say(void *user, enum config_level level, const char *sentence)
{
	text_addf(user, "%s: %s\n", level == CONFIG_ERROR ? "E" : "W", sentence);
}

/* Everything that is said of this file; the caller frees it. */
static char *said_of(const char *text, bool *ok)
{
	struct config *config = config_new();
	struct text said = {0};

	if (!config_read_text(config, "f", text, &err))
		fail_msg("%s", err.message);
	*ok = config_check(config, say, &said);
	config_free(config);
	return text_take(&said);
}

struct said_case {
	const char *text, *said;
};

static void check_said(const struct said_case *cases, size_t count, bool expected)
{
	for (size_t i = 0; i < count; i++) {
		bool ok;
		char *said = said_of(cases[i].text, &ok);

		if (strcmp(said, cases[i].said) != 0 || ok != expected)
			fail_msg("case %zu: '%s', expected '%s'", i, said, cases[i].said);
		free(said);
	}
}

#define CHECK_SAID(cases, ok) check_said(cases, sizeof(cases) / sizeof *(cases), ok)

static void test_good_configurations_are_accepted_without_a_word(void **state)
{
	static const struct said_case cases[] = {
		{"[pci]\nalias = {}\ndevice_spec = {}\n[DEFAULT]\nhost = a\n", ""},
		{"[SRIOV_NIC]\nphysical_device_mappings = a:b, c:d,\nexclude_devices = b:0000:07:00.2; "
		 "0000:07:00.3,d:\n",
		 ""},
		{"[ml2_type_vlan]\nnetwork_vlan_ranges = a:1:2 , b\n[ml2]\nphysical_network_mtus = a:9000\n",
		 ""},
		{"[ml2]\nproject_network_types = vlan,vxlan\n[QUOTAS]\nquota_port = -1\n", ""},
		{"[DEFAULT]\nreserved_huge_pages = node:0,size:2048,count:64\nreserved_huge_pages = "
		 "node:1,size:1GB,count:1\n",
		 ""},
		{"[compute]\ncpu_shared_set = 0-3,^2, 8\ncpu_dedicated_set =\n", ""},
		{"[libvirt]\nvirt_type =\n[quota]\ninstances =\n", ""},
		{"[ml2_sriov]\nsupported_pci_vendor_devs = 8086:10ca,15b3:1004\n", ""},
		{"[filter_scheduler]\npci_in_placement = false\nmax_instances_per_host = 50\n", ""},
		{"[neutron]\nphysnets = a, b\n[neutron_physnet_a]\nnuma_nodes = 0\n[NEUTRON_PHYSNET_b]\n"
		 "numa_nodes = 1,0\n[neutron_tunnel]\nnuma_nodes = 1\n",
		 ""},
		{"[sriov_nic]\nresource_provider_bandwidths = eth0:1000:,eth1::2000, eth2:1:2\n", ""},
		{"[sriov_nic]\nresource_provider_hypervisors = "
		 "eth0:a:b\nresource_provider_inventory_defaults = "
		 "allocation_ratio:2.5, reserved: 10,max_unit :5\n",
		 ""},
		{"[scheduler]\nmax_attempts = 5\n[DEFAULT]\nallow_resize_to_same_host = yes\n", ""},
		{"[ml2_type_vxlan]\nvni_ranges = 1:1000\n[ml2_type_flat]\nflat_networks = *\n", ""},
		{"[DEFAULT]\nbase_mac = fa:16:3e:4f:00:00\n[database]\nconnection = sqlite:////x.db\n", ""},
	};

	(void)state;
	CHECK_SAID(cases, true);
}

static void test_bad_values_are_errors_that_say_what_is_allowed(void **state)
{
	static const struct said_case cases[] = {
		{"[quota]\ninstances = many\n",
		 "E: f:2: [quota] instances = many: expected a whole number from -1 to 2147483647\n"},
		{"[DEFAULT]\nquota_cores = -2\n",
		 "E: f:2: [DEFAULT] quota_cores = -2: expected a whole number from -1 to 2147483647\n"
		 "W: f:2: [DEFAULT] quota_cores: older name of [quota] cores, and taken as that\n"},
		{"[DEFAULT]\ncpu_allocation_ratio = -1\n",
		 "E: f:2: [DEFAULT] cpu_allocation_ratio = -1: expected a number from 0 to 1000000\n"},
		{"[compute]\npacking_host_numa_cells_allocation_strategy = t\n",
		 "E: f:2: [compute] packing_host_numa_cells_allocation_strategy = t: expected true or false "
		 "(or "
		 "yes, no, on, off, 1, 0)\n"},
		{"[libvirt]\nvirt_type = xen\n",
		 "E: f:2: [libvirt] virt_type = xen: expected one of kvm,qemu\n"},
		{"[penstock]\nnetwork_forward =\n",
		 "E: f:2: [penstock] network_forward = : expected one of nat,route,open,none\n"},
		{"[ml2]\nproject_network_types = vlan,vlam\n",
		 "E: f:2: [ml2] project_network_types: 'vlam': expected one of "
		 "local,flat,vlan,vxlan,geneve\n"},
		{"[ml2_type_vlan]\nnetwork_vlan_ranges = a, a:5\n",
		 "E: f:2: [ml2_type_vlan] network_vlan_ranges: 'a:5': expected physical_network or "
		 "physical_network:first:last, VLANs being from 1 to 4094\n"},
		{"[DEFAULT]\nhost = $host\n",
		 "E: f:2: [DEFAULT] host = $host: its $references lead in a circle, or to too many others\n"},
		{"[penstock]\nport = 1\nport = x\n[token]\nexpiration = 0\n",
		 "E: f:3: [penstock] port = x: expected a whole number from 0 to 65535\n"
		 "E: f:5: [token] expiration = 0: expected a whole number from 1 to 31536000\n"},
	};

	(void)state;
	CHECK_SAID(cases, false);
}

static void test_items_with_a_syntax_of_their_own(void **state)
{
	static const char *const bad[] = {
		"[ml2_type_vlan]\nnetwork_vlan_ranges = a:1\n",
		"[ml2_type_vlan]\nnetwork_vlan_ranges = a:2:1\n",
		"[ml2_type_vlan]\nnetwork_vlan_ranges = a:0:1\n",
		"[ml2_type_vlan]\nnetwork_vlan_ranges = a:1:4095\n",
		"[ml2_type_vlan]\nnetwork_vlan_ranges = a:1:2:3\n",
		"[ml2_type_vlan]\nnetwork_vlan_ranges = :1:2\n",
		"[ml2_type_vxlan]\nvni_ranges = 5\n",
		"[ml2_type_vxlan]\nvni_ranges = 5:4\n",
		"[ml2]\nphysical_network_mtus = a\n",
		"[ml2]\nphysical_network_mtus = a:67\n",
		"[sriov_nic]\nphysical_device_mappings = a\n",
		"[sriov_nic]\nphysical_device_mappings = a:\n",
		"[sriov_nic]\nphysical_device_mappings = :a\n",
		"[sriov_nic]\nphysical_device_mappings = a:b:c\n",
		"[sriov_nic]\nphysical_device_mappings = a:a_name_too_long_\n",
		"[sriov_nic]\nexclude_devices = a\n",
		"[sriov_nic]\nexclude_devices = a:07:00.2\n",
		"[ml2_sriov]\nsupported_pci_vendor_devs = 8086\n",
		"[ml2_sriov]\nsupported_pci_vendor_devs = 8086:10ca:1\n",
		"[sriov_nic]\nresource_provider_bandwidths = eth0:1\n",
		"[sriov_nic]\nresource_provider_bandwidths = eth0:1:2:3\n",
		"[sriov_nic]\nresource_provider_bandwidths = :1:2\n",
		"[sriov_nic]\nresource_provider_bandwidths = eth0:a:2\n",
		"[sriov_nic]\nresource_provider_hypervisors = eth0\n",
		"[sriov_nic]\nresource_provider_hypervisors = eth0:\n",
		"[sriov_nic]\nresource_provider_inventory_defaults = reserved:-1\n",
		"[sriov_nic]\nresource_provider_inventory_defaults = allocation_ratio:-1\n",
		"[sriov_nic]\nresource_provider_inventory_defaults = units:1\n",
		"[sriov_nic]\nresource_provider_inventory_defaults = reserved\n",
		"[sriov_nic]\nresource_provider_inventory_defaults = reserved:1:1\n",
		"[neutron_physnet_a]\nnuma_nodes = 0-1\n",
		"[neutron_tunnel]\nnuma_nodes = -1\n",
		"[DEFAULT]\nreserved_huge_pages = node:0,size:2048\n",
		"[DEFAULT]\nreserved_huge_pages = node:0,size:2X,count:1\n",
		"[DEFAULT]\nreserved_huge_pages = node:0,size:2MBs,count:1\n",
		"[DEFAULT]\nreserved_huge_pages = node:0,size:2048,count:1,count:2\n",
		"[DEFAULT]\nreserved_huge_pages = node:0,size:2048,count:1,color:2\n",
		"[DEFAULT]\nreserved_huge_pages =\n",
		"[sriov_driver]\nvnic_type_prohibit_list = normal\n",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS_OF(bad); i++) {
		bool ok;
		char *said = said_of(bad[i], &ok);

		if (ok || !text_starts_with(said, "E: f:2: ") || !strstr(said, ": expected "))
			fail_msg("%s: '%s'", bad[i], said);
		free(said);
	}
}

static void test_misspelt_and_misplaced_options_are_warnings(void **state)
{
	static const struct said_case cases[] = {
		{"[pci]\ndevice_specs = {}\n", "W: f:2: [pci] device_specs: there is no such option; did you "
					       "mean device_spec, 1 letter away?\n"},
		{"[pci]\npassthrough_whitlist = {}\n", "W: f:2: [pci] passthrough_whitlist: there is no such "
						       "option; did you mean device_spec, 1 letter away?\n"},
		{"[DEFAULT]\npci_aliass = {}\n", "W: f:2: [DEFAULT] pci_aliass: there is no such option; did "
						 "you mean alias in [pci], 1 letter "
						 "away?\n"},
		{"[DEFAULT]\ndevice_spec = {}\n",
		 "W: f:2: [DEFAULT] device_spec: there is no such option in [DEFAULT]; it stands in [pci]\n"},
		{"[sriov_nic]\nsomething = 1\n", "W: f:2: [sriov_nic] something: there is no such option\n"},
		{"[sriov_nics]\nx = 1\ny = 2\n", "W: f:2: [sriov_nics]: there is no such section; did you "
						 "mean [sriov_nic], 1 letter away?\n"},
		{"[default]\nhost = 1\n",
		 "W: f:2: [default]: there is no such section; did you mean [DEFAULT]?\n"},
		{"[libvirt]\nconnection_uri = 1\n  # 2\n",
		 "W: f:2: [libvirt] connection_uri: the indented line 3 is part of its value and no "
		 "comment\n"},
		{"[DEFAULT]\nhost = a$b\n",
		 "W: f:2: [DEFAULT] host: $b names no option and stays as it is; a dollar is written $$\n"},
	};

	(void)state;
	CHECK_SAID(cases, true);
}

static void test_options_without_effect_are_named_once_and_only_if_they_ask_for_something(void **state)
{
	static const struct said_case cases[] = {
		{"[DEFAULT]\nvcpu_pin_set = 1\nvcpu_pin_set = 2\n",
		 "W: f:3: [DEFAULT] vcpu_pin_set: taken and without effect here; instead: [compute] "
		 "cpu_shared_set "
		 "and cpu_dedicated_set\n"},
		{"[database]\nconnection = mysql+pymysql://nova:secret@db/nova\n",
		 "W: f:2: [database] connection: this value is of OpenStack's, and without effect here; "
		 "instead: "
		 "penstock.db in [DEFAULT] state_path\n"},
		{"[libvirt]\nrx_queue_size = 1024\n",
		 "W: f:2: [libvirt] rx_queue_size: not built yet, without effect\n"},
		{"[libvirt]\nnum_pcie_ports = 0\nrx_queue_size =\n", ""},
	};

	(void)state;
	CHECK_SAID(cases, true);
}

/* Once for each older name, however often it stands there. */
static void test_older_names_are_named_once(void **state)
{
	static const struct said_case cases[] = {
		{"[DEFAULT]\npci_passthrough_whitelist = {}\npci_passthrough_whitelist = {}\n[pci]\n"
		 "passthrough_whitelist = {}\ndevice_spec = {}\n",
		 "W: f:2: [DEFAULT] pci_passthrough_whitelist: older name of [pci] device_spec, and taken as "
		 "that\n"
		 "W: f:5: [pci] passthrough_whitelist: older name of [pci] device_spec, and taken as that\n"},
		{"[ml2]\ntenant_network_types = vlan\ntenant_network_types = vxlan\n",
		 "W: f:3: [ml2] tenant_network_types: older name of [ml2] project_network_types, and taken "
		 "as "
		 "that\n"},
		{"[ml2]\ntenant_network_types = vlan\nproject_network_types = vxlan\n", ""},
	};

	(void)state;
	CHECK_SAID(cases, true);
}

#define SUMMARY " of services that Penstock replaces, without effect here: "

static void test_what_is_openstacks_alone_is_one_sentence(void **state)
{
	static const struct said_case cases[] = {
		{"[DEFAULT]\nmy_ip = 1\n[glance]\na = b\n[keystone_authtoken]\nx = 1\ny = 2\n[DEFAULT]\n"
		 "log_dir = /x\ntransport_url = rabbit://a:secret@b\nmy_ip = 2\n[glance]\nc = d\n",
		 "W: 7 options" SUMMARY
		 "[DEFAULT] my_ip, log_dir, transport_url; [glance]; [keystone_authtoken]\n"},
		{"[DEFAULT]\nsomething = 1\n", "W: 1 option" SUMMARY "[DEFAULT] something\n"},
		{"[ml2_vlan]\nx = 1\n", "W: 1 option" SUMMARY "[ml2_vlan]\n"},
		{"[DEFAULT]\ndefault_availability_zones = a\n",
		 "W: 1 option" SUMMARY "[DEFAULT] default_availability_zones\n"},
		{"[DEFAULT]\ndebug = no\n[quota]\nrecheck_quota = true\n", ""},
	};

	(void)state;
	CHECK_SAID(cases, true);
}

/* Thousands of them make no longer sentence. */
static void test_the_summary_stays_short(void **state)
{
	_cleanup_(text_done) struct text file = {0};
	_cleanup_free_ char *said = NULL;
	bool ok;

	(void)state;
	text_add(&file, "[DEFAULT]\n");
	for (int i = 0; i < 500; i++)
		text_addf(&file, "an_option_of_nova_%d = 1\n", i);
	said = said_of(file.data, &ok);
	assert_true(ok);
	assert_true(text_starts_with(said, "W: 500 options"));
	assert_true(text_ends_with(said, " ...\n"));
	assert_true(strlen(said) < 500);
}

static void test_a_daemon_stops_at_the_first_error(void **state)
{
	struct config *config = config_new();

	(void)state;
	assert_true(config_read_text(config, "f", "[penstock]\nport = a\n[quota]\ncores = b\n", &err));
	assert_false(config_accept(config, &err));
	assert_string_equal(err.message, "f:2: [penstock] port = a: expected a whole number from 0 to 65535");
	config_free(config);
	config = config_new();
	assert_true(config_accept(config, &err));
	config_free(config);
}

/* Every default is allowed, every name is found, and nothing is said twice. */
static void test_the_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		_cleanup_free_ char *text = memory_printf("[%s]\n%s = %s\n", option->group, option->name,
							  option->fallback ? option->fallback : "");
		char *said;
		bool ok = true;
		int rank;

		if (config_option_find(option->group, option->name, &rank) != option)
			fail_msg("[%s] %s is in the table twice", option->group, option->name);
		if (option->state == CONFIG_ELSEWHERE)
			continue;
		assert_true(text_is_empty(option->help) == false);
		assert_true((option->state == CONFIG_MEANINGLESS || option->state == CONFIG_REPLACED ||
			     option->foreign) == (option->instead != NULL));
		assert_true(option->instead || !option->foreign);
		said = option->fallback ? said_of(text, &ok) : strdup("");
		if (!ok || *said)
			fail_msg("the default of [%s] %s: %s", option->group, option->name, said);
		free(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_configurations_are_accepted_without_a_word),
		cmocka_unit_test(test_bad_values_are_errors_that_say_what_is_allowed),
		cmocka_unit_test(test_items_with_a_syntax_of_their_own),
		cmocka_unit_test(test_misspelt_and_misplaced_options_are_warnings),
		cmocka_unit_test(
			test_options_without_effect_are_named_once_and_only_if_they_ask_for_something),
		cmocka_unit_test(test_older_names_are_named_once),
		cmocka_unit_test(test_what_is_openstacks_alone_is_one_sentence),
		cmocka_unit_test(test_the_summary_stays_short),
		cmocka_unit_test(test_a_daemon_stops_at_the_first_error),
		cmocka_unit_test(test_the_table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
