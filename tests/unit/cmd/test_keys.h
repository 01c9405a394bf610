/* Keys made for these tests alone; they open nothing. */
#ifndef BLUEGREEN_TEST_KEYS_H
#define BLUEGREEN_TEST_KEYS_H

#define KEY_ED25519                                                                                                    \
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                                            \
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"                                         \
    "QyNTUxOQAAACANa5DDHkjkPFo1gssPfXqF+frVHO1s14hltx9gsm1T+gAAAIgwSZskMEmb\n"                                         \
    "JAAAAAtzc2gtZWQyNTUxOQAAACANa5DDHkjkPFo1gssPfXqF+frVHO1s14hltx9gsm1T+g\n"                                         \
    "AAAED/DaFDuuHiMdQoPGRlsqp4KpKKW+DGtKHgZO2rEhwWJA1rkMMeSOQ8WjWCyw99eoX5\n"                                         \
    "+tUc7WzXiGW3H2CybVP6AAAAAAECAwQF\n"                                                                               \
    "-----END OPENSSH PRIVATE KEY-----\n"
#define KEY_ED25519_ENCRYPTED                                                                                          \
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                                            \
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCeTtT4Tk\n"                                         \
    "7OUiJu28+g3C6LAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIElf1XYIEEngwIaS\n"                                         \
    "r/Ot7h3CAVDOaHKW9G6C9suQEy5lAAAAkChYy9wiNP3PnvTHVqOjBbXcv68tf8zYjzcOwA\n"                                         \
    "nJr1YfXBe2inhBNEDT5UiPjAoqFiZxJ9zq7+u8ijgsaNvareaa+BrQbXROcmebNc1n9vhx\n"                                         \
    "dPM84BroZlqPyMJ+WIn69MERo+JPZrGxwhRWcwPRkdNK5iWjHyYRY5yPRtJn+dFMtMkZJB\n"                                         \
    "iX42IuAr3tIfJ1hA==\n"                                                                                             \
    "-----END OPENSSH PRIVATE KEY-----\n"
#define KEY_ED25519_CHACHA                                                                                             \
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"                                                                            \
    "b3BlbnNzaC1rZXktdjEAAAAAHWNoYWNoYTIwLXBvbHkxMzA1QG9wZW5zc2guY29tAAAABm\n"                                         \
    "JjcnlwdAAAABgAAAAQeewrSO6IgiXxMrErAxsyngAAAAEAAAABAAAAMwAAAAtzc2gtZWQy\n"                                         \
    "NTUxOQAAACDZR5GuZtvRvOayu1WsjUnfp1nbNKzE6DNncltx89vZlAAAAIiGunTj5Typ9M\n"                                         \
    "3kCa1oFKTJ4PK5Yd/TH7j2aZOYU12YrAlg3xn19wXWhBelcsF0N3QrK85lM9XsC/9B04Go\n"                                         \
    "LADNVnY/vcmIxFNfOUMpf2faghlFT4MImSvDhvMgRQgKqkn/VD0mq5NOeDM8/nDxBzcszy\n"                                         \
    "iTFpJs85h8KnUJ2UMMxCfXuugQj7LEpmeoozuCFRDbPNGvGgdc/A==\n"                                                         \
    "-----END OPENSSH PRIVATE KEY-----\n"
#define KEY_ECDSA_PEM                                                                                                  \
    "-----BEGIN EC PRIVATE KEY-----\n"                                                                                 \
    "MHcCAQEEILbb7OzAaTznyLRc/PhElz37N6+ayASmpLchY8m6fyraoAoGCCqGSM49\n"                                               \
    "AwEHoUQDQgAEDa/4Tv0j9MT8GDXZ/SNcMZTynTX9u0YZwDwNpQZ08Vr4kD3M0bHR\n"                                               \
    "wrBBkLm87n6RBXhVK5qK/9Y6y2nLoPxmfA==\n"                                                                           \
    "-----END EC PRIVATE KEY-----\n"
#define KEY_ECDSA_PEM_ENCRYPTED                                                                                        \
    "-----BEGIN EC PRIVATE KEY-----\n"                                                                                 \
    "Proc-Type: 4,ENCRYPTED\n"                                                                                         \
    "DEK-Info: AES-128-CBC,13ECACF614378D563BF1EA3FB71B93EE\n"                                                         \
    "\n"                                                                                                               \
    "JGa4UwCtEtzPqLvVdBYlCpwq7m2TRqP33uZ2vXapVZ8ZZoI4QGT24a7xZQPr1aDn\n"                                               \
    "mCQeQpjYueKnGVG73cT0EnMF/cAAAmDxtWRjMJTic5GpvQXlzxtx4bBGeI6jCdAr\n"                                               \
    "oF3DN2403IlpcJXouhRkq7y3e40Ve0xkcVtMeYk9xe8=\n"                                                                   \
    "-----END EC PRIVATE KEY-----\n"
#define KEY_ED25519_PKCS8                                                                                              \
    "-----BEGIN PRIVATE KEY-----\n"                                                                                    \
    "MC4CAQAwBQYDK2VwBCIEIGjAaXOyn57ZHHRGNHDhNhS69HFhhRgkZWobMl8BhEfp\n"                                               \
    "-----END PRIVATE KEY-----\n"
#define KEY_ED25519_PKCS8_ENCRYPTED                                                                                    \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                                                                          \
    "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAj5iYfsZuxyDAICCAAw\n"                                               \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEO67bWlzwZSjQkliDG+1ae4EQD6J\n"                                               \
    "IFBnFGx8TSvedWqaXMseQj+/qdOwQ6qjmQWaFBuCOYq42BaTsB9m3DJl/igZa1iW\n"                                               \
    "QNfhUHTQyafWQUmual0=\n"                                                                                           \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
#define KEY_ED25519_FINGERPRINT "SHA256:LJS9SxTRiU6C5DrlrNKJTYHnC7Kw9cMFWpVnPp6g/BY"
#define KEY_ED25519_PUBLIC "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA1rkMMeSOQ8WjWCyw99eoX5+tUc7WzXiGW3H2CybVP6"

#endif
