# SPDX-License-Identifier: GPL-3.0-or-later
#
# The portal of LemonLDAP::NG (Debian), with the people of a JSON file.
use strict;
use warnings;

# The portal loads a maker of pictures at its start, whether or not it asks for any.
BEGIN {
    package Lemonldap::NG::Portal::Captcha::None;
    use Mouse;
    extends 'Lemonldap::NG::Common::Module';
    sub init { return 1 }
    $INC{'Lemonldap/NG/Portal/Captcha/None.pm'} = __FILE__;
}
package main;
use JSON;
use Lemonldap::NG::Portal::Main;
use Lemonldap::NG::Portal::UserDB::Demo;
open my $file, '<', $ENV{LLNG_ACCOUNTS} or die $!;
%Lemonldap::NG::Portal::UserDB::Demo::demoAccounts =
  %{ decode_json( do { local $/; <$file> } ) };
Lemonldap::NG::Portal::Main->run( {} );
