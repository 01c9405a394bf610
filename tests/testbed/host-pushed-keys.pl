#!/usr/bin/perl
# sshd's AuthorizedKeysCommand, as AWS's ec2-instance-connect package has it: prints the keys that were pushed for a user,
# which the metadata service tells. Only where a test put /run/instance-connect.
use strict;
use warnings;
use IO::Socket::INET;

exit 0 unless -e '/run/instance-connect';
my $user = shift // exit 0;
exit 0 unless $user =~ /^[A-Za-z0-9._-]+$/;
alarm 5;

sub ask {
    my ($method, $path, $header) = @_;
    my $s = IO::Socket::INET->new(PeerAddr => '169.254.169.254', PeerPort => 80, Timeout => 2) or exit 0;
    my @head = ("$method $path HTTP/1.1", 'Host: 169.254.169.254', $header, 'Content-Length: 0', 'Connection: close');
    print $s join("\r\n", @head, '', '');
    local $/;
    my ($head, $body) = split /\r\n\r\n/, <$s> // '', 2;
    exit 0 unless $head =~ m{^HTTP/1\.1 200 };
    return $body;
}

my $token = ask('PUT', '/latest/api/token', 'X-aws-ec2-metadata-token-ttl-seconds: 5');
print ask('GET', "/latest/meta-data/managed-ssh-keys/active-keys/$user/", "X-aws-ec2-metadata-token: $token");
