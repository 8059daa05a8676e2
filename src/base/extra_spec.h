/* The little language of extra specs that are compared with what a host or an
 * aggregate says (Nova's extra_specs_ops). */
#pragma once

#include <stdbool.h>

/* Does the value satisfy the wish?  A wish is a text that must be equal, or begins with an operator:
 *	=  >=  (numbers: at least)	==  !=  <=		(numbers)
 *	s==  s!=  s<  s<=  s>  s>=				(texts)
 *	<in> x		x is part of the value
 *	<all-in> x y	all are part of the value
 *	<or> x <or> y	one of them is the value */
bool extra_spec_matches(const char *value, const char *wish);
