/* SSH keys: reading public ones, making pairs.  No I/O. */
#pragma once

#include "base/error.h"

#include <stdbool.h>

#define SSH_FINGERPRINT_SIZE 48 /* "91:6b:...": 16 bytes as MD5 has */

/* Is it a public key in OpenSSH's one-line form (RFC 4253 6.6, RFC 5656, RFC 8709): ssh-rsa, ssh-ed25519,
 * ecdsa-sha2-nistp256/384/521?  Fills the MD5 fingerprint of its blob (RFC 4716 4), as Nova shows it. */
bool ssh_public_key_check(const char *line, char fingerprint[SSH_FINGERPRINT_SIZE]);

struct ssh_key_pair {
	char *public_key;  /* "ssh-rsa AAAA... comment" */
	char *private_key; /* PEM, PKCS#1 */
	char fingerprint[SSH_FINGERPRINT_SIZE];
};

/* Makes an RSA pair of 2048 bits; takes some 100 ms. */
bool ssh_key_pair_make(const char *comment, struct ssh_key_pair *pair, struct error *err);
/* Wipes the private key. */
void ssh_key_pair_done(struct ssh_key_pair *pair);
